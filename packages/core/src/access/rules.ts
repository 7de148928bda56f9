/** What a permission is about. */
export interface Rule {
  /** The kind of row it is asked for; `organization` where it is asked of no row alone. */
  readonly of: 'organization' | 'job' | 'pipeline' | 'task' | 'molecule' | 'artifact' | 'user' | 'role' | 'token';
  /** True: a role may hold it as `<permission>:own`, for the rows whose owner the caller is. */
  readonly own: boolean;
}

/** Every permission that a role can hold, in the order of what it is about: the one table by which `authorize` decides. */
export const RULES = {
  'job.create': { of: 'organization', own: false },
  'job.cancel': { of: 'job', own: true },
  'job.view': { of: 'job', own: true },
  'job.results.view': { of: 'job', own: true },
  'pipeline.create': { of: 'organization', own: false },
  'pipeline.update': { of: 'pipeline', own: true },
  'pipeline.delete': { of: 'pipeline', own: true },
  'pipeline.view': { of: 'pipeline', own: false },
  'task.define': { of: 'organization', own: false },
  'task.update': { of: 'task', own: true },
  'task.delete': { of: 'task', own: true },
  'task.view': { of: 'task', own: false },
  'task.execute': { of: 'task', own: false },
  'molecule.upload': { of: 'organization', own: false },
  'molecule.view': { of: 'molecule', own: true },
  'artifact.list': { of: 'organization', own: false },
  'artifact.view': { of: 'artifact', own: true },
  'artifact.delete': { of: 'artifact', own: true },
  'cache.view': { of: 'organization', own: false },
  'cache.manage': { of: 'organization', own: false },
  'org.view': { of: 'organization', own: false },
  'org.update': { of: 'organization', own: false },
  'org.quota.update': { of: 'organization', own: false },
  'user.create': { of: 'organization', own: false },
  'user.update': { of: 'user', own: true },
  'user.disable': { of: 'user', own: false },
  'role.assign': { of: 'role', own: false },
  'role.manage': { of: 'role', own: false },
  'token.manage': { of: 'token', own: true },
  'audit.view': { of: 'organization', own: false },
} as const satisfies Readonly<Record<string, Rule>>;

/** What a caller may do. */
export type Permission = keyof typeof RULES;

/** Those that can be held for one's own rows. */
export type OwnablePermission = {
  [P in Permission]: (typeof RULES)[P]['own'] extends true ? P : never;
}[Permission];

/** A permission as a role holds it: for all rows of the organization, or for the holder's own. */
export type GrantedPermission = Permission | `${OwnablePermission}:own`;

export const PERMISSIONS = Object.keys(RULES) as readonly Permission[];

/** Everything that a role can be given, `:own` forms included. */
export const GRANTABLE_PERMISSIONS: readonly GrantedPermission[] = PERMISSIONS.flatMap((permission) =>
  RULES[permission].own ? [permission, `${permission}:own` as GrantedPermission] : [permission],
);
