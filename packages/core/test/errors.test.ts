import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ConflictError, isMadError, MadError, NotFoundError, TaskFailedError } from '../src/index.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('the reference lists every error code of every package, once, and no other', () => {
  const thrown = globSync('packages/*/src/**/*.ts', { cwd: root })
    .flatMap((file) => [...readFileSync(root + file, 'utf8').matchAll(/code = '(MAD_(?!ERROR')\w+)'/g)])
    .map((match) => match[1]);
  const listed = [...readFileSync(`${root}docs/reference/errors.md`, 'utf8').matchAll(/^\| `(MAD_\w+)`/gm)].map(
    (match) => match[1],
  );
  expect(listed.toSorted()).toEqual(thrown.toSorted());
});

test('an id that is not found is told, and no more of it than a hundred characters', () => {
  const { message, details } = new NotFoundError({ entity: 'user', id: 'x'.repeat(10_000_000) });
  expect(message).toContain(`user ${'x'.repeat(100)}… was not found`);
  expect(JSON.stringify(details).length).toBeLessThan(200);
  expect(new NotFoundError({ entity: 'user', id: 'y'.repeat(100) }).details.id).toBe('y'.repeat(100));
});

test('instanceof asks for the code, so that another copy of the class counts', () => {
  class NotFoundErrorOfAnotherCopy extends MadError {
    static override readonly code = 'MAD_CORE_NOT_FOUND';
  }
  const error: unknown = new NotFoundErrorOfAnotherCopy({ message: 'gone' });
  expect(error).toBeInstanceOf(NotFoundError);
  expect(error).toBeInstanceOf(MadError);
  expect(error).not.toBeInstanceOf(ConflictError);
  expect(isMadError(new Error('MAD_CORE_NOT_FOUND'))).toBe(false);
  expect(new TaskFailedError({ failureCode: 'TIMEOUT', message: 'late', retryable: true }).retryable).toBe(true);
});
