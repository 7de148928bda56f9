/** One HTTP request as the kit sees it, whichever server it came by. */
export interface IncomingCall {
  /** Upper case. */
  readonly method: string;
  /** The path of the address as WHATWG URLs have it: dot segments undone, still percent-encoded; `''` where there is none. */
  readonly path: string;
  /** By its name in lower case; what came several times is joined by `, `. */
  header(name: string): string | undefined;
  /** Chunks of the body, once; undefined when the host has read it already. */
  body(): AsyncIterable<Uint8Array> | undefined;
  /** Aborts when the caller has gone before it was answered. */
  readonly gone: AbortSignal;
}
