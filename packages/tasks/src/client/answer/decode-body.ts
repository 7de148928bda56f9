import { brotliDecompress, gunzip, inflate } from 'node:zlib';

const DECODERS = new Map<string, typeof gunzip>([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  ['deflate', inflate],
  ['br', brotliDecompress as typeof gunzip],
]);

/** True for a content coding that `decodeBody` undoes. */
export const isDecodable = (encoding: string): boolean => DECODERS.has(encoding.toLowerCase());

/**
 * A body without its content coding, apart from this thread, of `maxBytes` at most.
 * @throws {RangeError} when it would be longer; what zlib throws when it is broken.
 */
export function decodeBody(
  body: Buffer,
  { encoding, maxBytes }: { encoding: string; maxBytes: number },
): Promise<Buffer> {
  const decode = DECODERS.get(encoding.toLowerCase());
  return new Promise((resolve, reject) => {
    if (!decode) return resolve(body);
    decode(body, { maxOutputLength: maxBytes }, (error, decoded) => (error ? reject(error) : resolve(decoded)));
  });
}
