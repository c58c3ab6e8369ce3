package sdp_test

import "strings"

func crlf(s string) []byte {
	return []byte(strings.ReplaceAll(strings.TrimPrefix(s, "\n"), "\n", "\r\n"))
}

// Descriptions as real peers write them.
var (
	chromiumOffer = crlf(`
v=0
o=- 6228340239341843442 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 0d1f4a33
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:2999745851 1 udp 2122260223 172.17.0.2 51472 typ host generation 0 network-id 1
a=candidate:1876313031 1 udp 2122194687 0f7bbd14-7c8e-4b2a-9f0e-54cd2f5f1d3b.local 41885 typ host generation 0 network-id 2
a=candidate:4233069003 1 tcp 1518280447 172.17.0.2 9 typ host tcptype active generation 0 network-id 1
a=ice-ufrag:Q8lD
a=ice-pwd:cq8bTG1nJzGzzyZ9gbTpGc4L
a=ice-options:trickle
a=fingerprint:sha-256 5E:3B:0D:E8:36:2D:F8:42:F2:E2:CC:14:9B:45:AD:8D:DC:5D:F3:0C:43:46:5A:93:B8:0F:FF:5E:17:06:D4:49
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:0d1f4a33 5d9a7c11
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3735928559 cname:Ff8WZDvzn6eBCCoR
a=ssrc:3735928559 msid:0d1f4a33 5d9a7c11
`)
	asteriskOffer = crlf(`
v=0
o=- 1763645012 1763645012 IN IP4 10.20.0.5
s=Asterisk
c=IN IP4 10.20.0.5
t=0 0
m=audio 17328 RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
a=maxptime:140
a=sendrecv
`)
	sippOffer = []byte("v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000")
	// A PBX with fax and video, static payloads without maps, and c= at media level only.
	pbxOffer = crlf(`
v=0
o=PBX 99999999999999999999999 1 IN IP4 192.0.2.7
s=call
i=not in the order of the grammar
b=XYZ:64
t=0 0
a=sendonly
m=video 0 RTP/AVP 34
c=IN IP4 192.0.2.7
m=audio 4000/2 RTP/AVP 18 8 97
c=IN IP4 192.0.2.8
a=rtpmap:97 telephone-event/8000/1
a=fmtp:97 0-15
a=X-vendor
m=image 4002 udptl t38
a=T38FaxVersion:0
`)
)
