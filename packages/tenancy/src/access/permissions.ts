/** Every permission that a role can hold, in the order of what it is about. */
export const PERMISSIONS = [
  'job.create',
  'job.cancel',
  'job.view',
  'job.results.view',
  'pipeline.create',
  'pipeline.update',
  'pipeline.delete',
  'pipeline.view',
  'task.define',
  'task.update',
  'task.delete',
  'task.view',
  'task.execute',
  'molecule.upload',
  'molecule.view',
  'artifact.list',
  'artifact.view',
  'artifact.delete',
  'cache.view',
  'cache.manage',
  'org.view',
  'org.update',
  'org.quota.update',
  'user.create',
  'user.update',
  'user.disable',
  'role.assign',
  'role.manage',
  'token.manage',
  'audit.view',
] as const;

/** What a caller may do. */
export type Permission = (typeof PERMISSIONS)[number];

/** A permission as a role holds it: for all rows of the organization, or for the holder's own. */
export type GrantedPermission = Permission | `${Permission}:own`;

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
