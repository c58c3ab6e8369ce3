// @ts-check
// The phone: JSON signalling over a WebSocket, one RTCPeerConnection per call.

/** @typedef {'off' | 'connecting' | 'on' | 'replaced'} PhoneStatus */
/** @typedef {{leg: string, call: string, from: {number?: string, name?: string}, subject: string, sdp: string}} Offer */

const protocol = 'tandem-phone.v1';
const pingEvery = 25_000;

/**
 * Events: "status", "offer" (this.offer changed), "call" (this.call changed), "problem" (detail is an Error).
 */
export class Phone extends EventTarget {
  constructor() {
    super();
    /** @type {PhoneStatus} */
    this.status = 'off';
    /** What rings. @type {Offer | null} */
    this.offer = null;
    /** @type {PhoneCall | null} */
    this.call = null;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {MediaStream | null} */
    this.microphone = null;
    this.tries = 0;
    this.timer = 0;
    this.pings = 0;
    this.wanted = false;
    /** The leg that must still be there after a new connection. */
    this.unconfirmed = '';
    /** The server offers an answered leg again to a page that was loaded afresh. */
    this.resumes = false;
    /** A leg that was answered elsewhere, whose sound is not here. */
    this.lost = '';
  }

  /** Connects, and stays connected until stop. */
  start() {
    this.wanted = true;
    this.connect();
  }

  stop() {
    this.wanted = false;
    window.clearTimeout(this.timer);
    this.socket?.close();
    this.socket = null;
    this.drop();
    this.releaseMicrophone();
    this.become('off');
  }

  connect() {
    window.clearTimeout(this.timer);
    this.become('connecting');
    const url = new URL('/api/v1/phone', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url, protocol);
    this.socket = socket;
    socket.onmessage = (e) => this.receive(JSON.parse(e.data));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      window.clearInterval(this.pings);
      this.socket = null;
      this.setOffer(null);
      if (this.status === 'replaced' || !this.wanted) return;
      this.become('connecting');
      const wait = Math.min(500 * 2 ** this.tries++, 8_000) * (0.8 + 0.4 * Math.random());
      this.timer = window.setTimeout(() => this.connect(), wait);
    };
  }

  /** @param {Record<string, unknown>} message */
  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** @param {any} m */
  receive(m) {
    switch (m.type) {
      case 'hello':
        this.resumes = Boolean(m.resume);
        this.tries = 0;
        window.clearInterval(this.pings);
        this.pings = window.setInterval(() => this.send({ type: 'ping' }), pingEvery);
        this.become('on');
        this.confirm();
        break;
      case 'offer':
        this.take(m);
        break;
      case 'answered':
        if (this.call && this.call.leg === m.leg) {
          this.unconfirmed = '';
          this.call.established();
        } else {
          // The leg was answered by a page that is gone, and its sound with it; a server that can offers it anew.
          this.lost = m.leg;
          if (this.resumes) this.send({ type: 'resume', leg: m.leg });
          this.tell('call');
        }
        break;
      case 'held':
        if (this.call && this.call.leg === m.leg) {
          this.call.held = Boolean(m.held);
          this.tell('call');
        }
        break;
      case 'ended':
        if (this.offer?.leg === m.leg) this.setOffer(null);
        if (this.call?.leg === m.leg) this.drop();
        if (this.lost === m.leg) this.lost = '';
        break;
      case 'error':
        this.problem(new Error(String(m.message)));
        if (this.call?.leg === m.leg) this.drop();
        break;
      case 'replaced':
        this.drop();
        this.setOffer(null);
        this.become('replaced');
        break;
    }
  }

  /** After hello the server names the legs that are still there; a call that is not among them is over. */
  confirm() {
    this.lost = '';
    const leg = this.call?.leg ?? '';
    this.unconfirmed = leg;
    if (!leg) return;
    window.setTimeout(() => {
      if (this.unconfirmed === leg && this.call?.leg === leg) this.drop();
    }, 3_000);
  }

  /** @param {Offer} offer */
  take(offer) {
    const resumed = this.call?.leg === offer.leg || this.lost === offer.leg || resumable(offer.leg);
    this.lost = '';
    this.setOffer(offer);
    this.send({ type: 'ringing', leg: offer.leg });
    if (resumed) void this.answer();
  }

  /** Asks for the microphone ahead of time, so that answering is quick. Throws what the browser says. */
  async prepare() {
    if (this.microphone?.getAudioTracks().some((track) => track.readyState === 'live')) return this.microphone;
    if (!navigator.mediaDevices?.getUserMedia) throw new DOMException('insecure', 'SecurityError');
    this.microphone = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
      video: false,
    });
    return this.microphone;
  }

  releaseMicrophone() {
    for (const track of this.microphone?.getTracks() ?? []) track.stop();
    this.microphone = null;
  }

  /** Answers what rings. */
  async answer() {
    const offer = this.offer;
    if (!offer) return;
    this.drop();
    this.setOffer(null);
    const call = new PhoneCall(this, offer);
    this.call = call;
    this.tell('call');
    try {
      const sdp = await call.accept(await this.prepare());
      if (this.call === call) this.send({ type: 'answer', leg: offer.leg, sdp });
    } catch (error) {
      this.send({ type: 'reject', leg: offer.leg });
      if (this.call === call) this.drop();
      this.problem(/** @type {Error} */ (error));
    }
  }

  reject() {
    if (!this.offer) return;
    this.send({ type: 'reject', leg: this.offer.leg });
    this.setOffer(null);
  }

  hangup() {
    if (!this.call) return;
    this.send({ type: 'hangup', leg: this.call.leg });
    this.drop();
  }

  /** @param {string} digit */
  digit(digit) {
    if (this.call) this.send({ type: 'digit', leg: this.call.leg, digit });
  }

  toggleMute() {
    if (!this.call) return;
    this.call.mute(!this.call.muted);
    this.tell('call');
  }

  drop() {
    if (!this.call) return;
    this.call.close();
    this.call = null;
    this.tell('call');
  }

  /** @param {Offer | null} offer */
  setOffer(offer) {
    if (this.offer === offer) return;
    this.offer = offer;
    this.tell('offer');
  }

  /** @param {PhoneStatus} status */
  become(status) {
    if (this.status === status) return;
    this.status = status;
    this.tell('status');
  }

  /** @param {string} name */
  tell(name) {
    this.dispatchEvent(new Event(name));
  }

  /** @param {Error} error */
  problem(error) {
    this.dispatchEvent(new CustomEvent('problem', { detail: error }));
  }
}

// A reload keeps the leg that talked, so that its next offer is answered at once: the agent answered it before.
const legKey = 'tandem.leg';

/** @param {string} leg */
function resumable(leg) {
  return sessionStorage.getItem(legKey) === leg;
}

/** One call's sound. */
class PhoneCall {
  /**
   * @param {Phone} phone
   * @param {Offer} offer
   */
  constructor(phone, offer) {
    this.phone = phone;
    this.leg = offer.leg;
    this.id = offer.call;
    this.sdp = offer.sdp;
    this.muted = false;
    this.held = false;
    this.up = false;
    this.peer = new RTCPeerConnection();
    this.sound = new Audio();
    this.sound.autoplay = true;
    this.peer.ontrack = (e) => {
      this.sound.srcObject = e.streams[0] ?? new MediaStream([e.track]);
      void this.sound.play().catch(() => undefined);
    };
    this.peer.onconnectionstatechange = () => {
      if (this.peer.connectionState === 'connected') this.established();
      if (this.peer.connectionState === 'failed') phone.problem(new Error('ICE'));
    };
  }

  /**
   * @param {MediaStream} microphone
   * @returns {Promise<string>} the SDP answer
   */
  async accept(microphone) {
    await this.peer.setRemoteDescription({ type: 'offer', sdp: this.sdp });
    this.tracks = microphone.getAudioTracks().map((track) => track.clone());
    for (const track of this.tracks) this.peer.addTrack(track, microphone);
    await this.peer.setLocalDescription(await this.peer.createAnswer());
    return this.peer.localDescription?.sdp ?? '';
  }

  established() {
    if (this.up) return;
    this.up = true;
    sessionStorage.setItem(legKey, this.leg);
    this.phone.tell('call');
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    for (const track of this.tracks ?? []) track.enabled = !muted;
  }

  close() {
    sessionStorage.removeItem(legKey);
    for (const track of this.tracks ?? []) track.stop();
    this.peer.ontrack = null;
    this.peer.onconnectionstatechange = null;
    this.peer.close();
    this.sound.srcObject = null;
  }
}

/** A soft ring made of two tones, for as long as something rings. */
export class Bell {
  constructor() {
    /** @type {AudioContext | null} */
    this.context = null;
    this.timer = 0;
  }

  /** Browsers let a page sound only after its user did something on it. */
  unlock() {
    this.context ??= new AudioContext();
    void this.context.resume().catch(() => undefined);
  }

  start() {
    this.stop();
    this.ring();
    this.timer = window.setInterval(() => this.ring(), 3_000);
  }

  stop() {
    window.clearInterval(this.timer);
    this.timer = 0;
  }

  ring() {
    const context = this.context;
    if (!context || context.state !== 'running') return;
    [0, 0.32].forEach((after, i) => {
      const start = context.currentTime + after;
      const volume = context.createGain();
      volume.connect(context.destination);
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(0.12, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 0.6);
      for (const pitch of i === 0 ? [659, 1318] : [880, 1760]) {
        const tone = context.createOscillator();
        tone.frequency.value = pitch;
        tone.connect(volume);
        tone.start(start);
        tone.stop(start + 0.65);
      }
    });
  }
}
