import { ValidationFailedError } from '../errors.ts';
import { isUuid, type OrgId, UUID_PATTERN } from '../ids.ts';

/** Every organization has a queue of pg-boss for each resource class, so that pg-boss orders its messages and we choose the organization. */
export interface Lane {
  readonly orgId: OrgId;
  readonly resourceClass: string;
}

const PREFIX = 'mad/';
const NAME = new RegExp(`^${PREFIX}${UUID_PATTERN}/[\\w.-]{1,64}$`, 'i');

/** False for a queue that the host has in the same pg-boss. */
export const isOurs = (name: string): boolean => NAME.test(name);

/** @throws {ValidationFailedError} for what is no organization's id, or a resource class that pg-boss could not have in a name. */
export function formatQueueName({ orgId, resourceClass }: Lane): string {
  const issues = [
    ...(isUuid(orgId) ? [] : [{ pointer: '/orgId', message: 'expected a uuid' }]),
    ...(/^[\w.-]{1,64}$/.test(resourceClass)
      ? []
      : [{ pointer: '/resourceClass', message: 'expected 1 to 64 letters, digits, "_", "." or "-"' }]),
  ];
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'queue message', issues });
  return `${PREFIX}${orgId}/${resourceClass}`;
}

export function parseQueueName(name: string): Lane {
  const [orgId = '', resourceClass = ''] = name.slice(PREFIX.length).split('/');
  return { orgId, resourceClass };
}
