import { NotFoundError } from '@mad/core';

/** What is no key names no entry. @throws {NotFoundError} */
export function requireKey(cacheKey: string): void {
  if (typeof cacheKey !== 'string' || !/^[0-9a-f]{64}$/.test(cacheKey))
    throw new NotFoundError({
      entity: 'cache entry',
      id:
        typeof cacheKey === 'string'
          ? cacheKey.slice(0, 100).toWellFormed().replaceAll('\0', '\u{fffd}')
          : typeof cacheKey,
      hint: 'a key is 64 hex digits',
    });
}
