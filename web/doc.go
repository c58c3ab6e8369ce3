// Package web is the centre's face over HTTP: the JSON API with its OpenAPI document, the live event stream, the agent
// console and the boards, metrics and health, as one http.Handler that a host mounts or serves.
package web
