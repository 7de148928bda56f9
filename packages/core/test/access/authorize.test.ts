import { expect, test } from 'vitest';
import {
  authorize,
  type Caller,
  GRANTABLE_PERMISSIONS,
  newId,
  PERMISSIONS,
  PermissionDeniedError,
  RULES,
  ValidationFailedError,
} from '../../src/index.ts';

const [orgId, userId] = [newId(), newId()];
const callerWith = (...permissions: string[]): Caller => ({ orgId, userId, permissions: new Set(permissions) });
const denied = (run: () => void) => expect(run).toThrow(PermissionDeniedError);

test('each permission opens what it names and nothing else', () => {
  for (const held of PERMISSIONS)
    for (const asked of PERMISSIONS) {
      if (held === asked) authorize(callerWith(held), asked, { ownerId: newId() });
      else denied(() => authorize(callerWith(held), asked, { ownerId: userId }));
    }
});

test('what is held for one’s own rows opens those alone, where the table says that there are such', () => {
  for (const permission of PERMISSIONS) {
    const caller = callerWith(`${permission}:own`);
    if (RULES[permission].own) authorize(caller, permission, { ownerId: userId });
    else denied(() => authorize(caller, permission, { ownerId: userId }));
    for (const ownerId of [newId(), null, undefined]) denied(() => authorize(caller, permission, { ownerId }));
    denied(() => authorize({ ...caller, userId: null }, permission, { ownerId: null }));
  }
});

test('no permission opens a row of another organization', () => {
  for (const permission of PERMISSIONS) {
    const caller = callerWith(permission, `${permission}:own`);
    denied(() => authorize(caller, permission, { orgId: newId(), ownerId: userId }));
    authorize(caller, permission, { orgId: orgId.toUpperCase(), ownerId: userId });
  }
});

test('what a role can be given is each permission, and its form for one’s own rows where there is one', () => {
  const own = PERMISSIONS.filter((permission) => RULES[permission].own).map((permission) => `${permission}:own`);
  expect([...GRANTABLE_PERMISSIONS].toSorted()).toEqual([...PERMISSIONS, ...own].toSorted());
});

test('a caller whom no row could name is refused before anything is asked', () => {
  const caller = callerWith('job.create');
  const refused = (given: Caller) => expect(() => authorize(given, 'job.create')).toThrow(ValidationFailedError);
  refused({ ...caller, userId: 'auth0|123' });
  refused({ ...caller, orgId: 'acme' });
  authorize({ ...caller, userId: null }, 'job.create');
});
