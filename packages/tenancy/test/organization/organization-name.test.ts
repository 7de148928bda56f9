import { newId, ValidationFailedError } from '@mad/core';
import { expect, test } from 'vitest';
import { parseOrganizationName } from '../../src/organization/organization-name.ts';

test.each([
  ['turns the direction of writing round', '\u202Eemca'],
  ['has a letter without width', 'Ac\u200Bme'],
  ['joins letters without showing it', 'Ac\u2060me'],
  ['has a soft hyphen', 'Ac\u00ADme'],
  ['has a control character', 'Ac\u0085me'],
  ['has two lines', 'Ac\nme'],
  ['is that of a deleted organization', `(deleted) ${newId()}`],
  ['could be that of a deleted organization', '(DELETED)'],
  ['could be that of one with a blank before', ' (deleted) x'],
])('a name that %s is refused', (_, name) => {
  expect(() => parseOrganizationName(name)).toThrow(ValidationFailedError);
});

test('a name is kept composed and without blanks around it', () => {
  expect(parseOrganizationName(' Cafe\u0301 (deleted) ')).toBe('Café (deleted)');
});
