import { expect, test } from 'vitest';
import { findSqlState } from '../../src/index.ts';

test.each(['00000', '23505', '42P01', '3D000', '0A000', 'P0001', 'XX000', 'HV00A'])('%s is an SQLSTATE', (code) => {
  expect(findSqlState({ code })).toBe(code);
});

// Errors of the file system and of sockets are of the same form, and their messages may hold what a host passed.
test.each(['EPERM', 'EPIPE', 'EBUSY', 'EROFS', 'E2BIG', 'ABORT', 'ECONNREFUSED', '23505 ', '', 23505, undefined])(
  '%s is none',
  (code) => {
    expect(findSqlState({ code })).toBeUndefined();
  },
);
