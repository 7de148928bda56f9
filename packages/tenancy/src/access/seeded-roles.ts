import { type GrantedPermission, PERMISSIONS } from '@mad/core';

/** The roles that every organization starts with. `root`, who sets quotas, is global and not among them. */
export const SEEDED_ROLES = {
  admin: PERMISSIONS.filter((permission) => permission !== 'org.quota.update'),
  standard: [
    'job.create',
    'job.cancel:own',
    'job.view',
    'job.results.view',
    'pipeline.view',
    'task.view',
    'task.execute',
    'molecule.upload',
    'molecule.view',
    'artifact.list',
    'artifact.view',
    'cache.view',
    'org.view',
    'token.manage:own',
  ],
  viewer: [
    'job.view',
    'job.results.view',
    'pipeline.view',
    'task.view',
    'molecule.view',
    'artifact.list',
    'artifact.view',
    'org.view',
  ],
} as const satisfies Record<string, readonly GrantedPermission[]>;

/** The name of a role that every organization starts with. */
export type SeededRole = keyof typeof SEEDED_ROLES;
