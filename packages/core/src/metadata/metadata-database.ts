import { type Kysely, sql, type Transaction } from 'kysely';
import { OrganizationUnknownError, ValidationFailedError } from '../errors.ts';
import { isUuid, type OrgId } from '../ids.ts';
import { explainRoleFailure } from './explain-role-failure.ts';
import type { MetadataTables, SharedMetadataTables } from './tables/metadata-tables.ts';

/**
 * The Metadata DB as a host holds it. Tables that belong to an organization are not in its type: they are reached inside
 * `inOrganization` and `inAllOrganizations` only. On PGlite never use it inside their callbacks: there is one session, and it waits for itself.
 */
export type MetadataDatabase = Kysely<SharedMetadataTables>;

declare const organizationScope: unique symbol;
declare const operatorScope: unique symbol;

/** A transaction in which the database itself shows and takes one organization's rows only. */
export type OrganizationTransaction = Transaction<MetadataTables> & { readonly [organizationScope]: true };

/** A transaction across all organizations: provisioning, sign-in, fleet work. Never open one on a caller's word alone. */
export type OperatorTransaction = Transaction<MetadataTables> & { readonly [operatorScope]: true };

/** Either: for rows that are found the same way in both. */
export type MetadataTransaction = OrganizationTransaction | OperatorTransaction;

const organizations = new WeakMap<object, OrgId>();

/**
 * Runs `run` in a transaction that row-level security confines to one organization, whatever the login: superusers and owners too.
 * It also reads what is shared: the system organization's tasks, templates and pipelines, and public ones. Commits when `run` resolves.
 * @throws {ValidationFailedError} when `orgId` is no uuid.
 * @throws {MetadataRoleError} when the login may not take the role, naming the GRANT that is missing.
 */
export async function inOrganization<T>(
  db: MetadataDatabase,
  orgId: OrgId,
  run: (tx: OrganizationTransaction) => Promise<T>,
): Promise<T> {
  if (!isUuid(orgId)) {
    throw new ValidationFailedError({
      subject: 'organization id',
      issues: [{ pointer: '', message: 'expected a uuid' }],
    });
  }
  return inRole(db, { role: 'mad_organization', orgId }, async (tx) => {
    organizations.set(tx, orgId.toLowerCase());
    return run(tx as OrganizationTransaction);
  });
}

/**
 * Runs `run` in a transaction that sees and writes every organization's rows. Commits when `run` resolves.
 * @throws {MetadataRoleError} when the login may not take the role, naming the GRANT that is missing.
 */
export async function inAllOrganizations<T>(
  db: MetadataDatabase,
  run: (tx: OperatorTransaction) => Promise<T>,
): Promise<T> {
  return inRole(db, { role: 'mad_operator', orgId: '' }, (tx) => run(tx as OperatorTransaction));
}

/**
 * The organization that `inOrganization` opened this transaction for.
 * @throws {OrganizationUnknownError} for any other transaction, also one derived from it by `withSchema` or `withPlugin`.
 */
export function organizationOf(tx: OrganizationTransaction): OrgId {
  const orgId = organizations.get(tx);
  if (orgId === undefined) throw new OrganizationUnknownError();
  return orgId;
}

interface Scope {
  readonly role: 'mad_organization' | 'mad_operator';
  readonly orgId: string;
}

async function inRole<T>(
  db: MetadataDatabase,
  { role, orgId }: Scope,
  run: (tx: Transaction<MetadataTables>) => Promise<T>,
): Promise<T> {
  let refused: unknown;
  try {
    return await (db as unknown as Kysely<MetadataTables>).transaction().execute(async (tx) => {
      await sql`select set_config('role', ${role}, true), set_config('mad.org_id', ${orgId}, true)`
        .execute(tx)
        .catch((error: unknown) => {
          refused = error;
          throw error;
        });
      return run(tx);
    });
  } catch (error) {
    throw refused === undefined ? error : await explainRoleFailure(db, { role, cause: error });
  }
}
