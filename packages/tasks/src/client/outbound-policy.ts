import { ValidationFailedError } from '@mad/core';
import { OriginNotAllowedError } from '../errors.ts';

/** Says where calls may go. Nothing is allowed that the operator did not name. */
export interface OutboundPolicy {
  /**
   * The URL, parsed, when its origin is allowed.
   * @throws {OriginNotAllowedError} for every other, before anything is resolved or connected.
   */
  parse(url: string): URL;
}

/** @throws {ValidationFailedError} when an entry is not an origin such as `http://127.0.0.1:8080`. */
export function createOutboundPolicy(allowedOrigins: readonly string[]): OutboundPolicy {
  const allowed = new Set(allowedOrigins.map(readOrigin));
  return {
    parse(url) {
      const parsed = URL.parse(url);
      if (!parsed || !allowed.has(parsed.origin) || parsed.username !== '' || parsed.password !== '') {
        throw new OriginNotAllowedError({
          origin: parsed && parsed.origin !== 'null' ? parsed.origin : 'a URL without an origin',
        });
      }
      return parsed;
    },
  };
}

function readOrigin(entry: string, index: number): string {
  const url = URL.parse(entry);
  const isOrigin =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === '';
  if (isOrigin) return url.origin;
  throw new ValidationFailedError({
    subject: 'allowedOrigins',
    issues: [{ pointer: `/${index}`, message: 'expected scheme, host and port only, such as http://127.0.0.1:8080' }],
  });
}
