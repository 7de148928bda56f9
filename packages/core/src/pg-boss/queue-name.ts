import { ValidationFailedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';

/** Every organization has a queue of pg-boss for each resource class, so that pg-boss orders its messages and we choose the organization. */
export interface Lane {
  readonly orgId: OrgId;
  readonly resourceClass: string;
}

const PREFIX = 'mad/';

/** False for a queue that the host has in the same pg-boss. */
export const isOurs = (name: string): boolean => name.startsWith(PREFIX);

/** @throws {ValidationFailedError} for a resource class that pg-boss could not have in a name. */
export function formatQueueName({ orgId, resourceClass }: Lane): string {
  if (!/^[\w.-]{1,64}$/.test(resourceClass)) {
    throw new ValidationFailedError({
      subject: 'queue message',
      issues: [{ pointer: '/resourceClass', message: 'expected 1 to 64 letters, digits, "_", "." or "-"' }],
    });
  }
  return `${PREFIX}${orgId}/${resourceClass}`;
}

export function parseQueueName(name: string): Lane {
  const [orgId = '', resourceClass = ''] = name.slice(PREFIX.length).split('/');
  return { orgId, resourceClass };
}
