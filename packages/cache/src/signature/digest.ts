import { createHash, hash } from 'node:crypto';
import type { Digest } from '@mad/core';
import { NotPlainJsonError } from '../errors.ts';

/**
 * SHA-256 of the bytes, 64 lower-case hex digits; text counts as its UTF-8. A stream is read once, to its end.
 * @throws {NotPlainJsonError} for text with a lone surrogate, which has no UTF-8.
 */
export function digest(content: Uint8Array | string): Digest;
export function digest(content: AsyncIterable<Uint8Array | string>): Promise<Digest>;
export function digest(content: Uint8Array | string | AsyncIterable<Uint8Array | string>): Digest | Promise<Digest> {
  if (typeof content === 'string' || content instanceof Uint8Array) return hash('sha256', bytesOf(content), 'hex');
  return digestStream(content);
}

async function digestStream(content: AsyncIterable<Uint8Array | string>): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(bytesOf(chunk));
  return hash.digest('hex');
}

function bytesOf(content: Uint8Array | string): Uint8Array | string {
  if (typeof content === 'string' && !content.isWellFormed())
    throw new NotPlainJsonError({ pointer: '', found: 'text with a lone surrogate' });
  return content;
}
