import { type SqlBool, sql } from 'kysely';
import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import {
  type MetadataTransaction,
  type OperatorTransaction,
  type OrganizationTransaction,
  organizationOf,
} from './metadata-database.ts';
import type { OwnedRow } from './owned-row.ts';
import type { InvitationRow, NewInvitationRow } from './tables/invitation.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'invitation';

interface ById {
  readonly invitationId: string;
}

/** An invitation: of the organization, or in an operator's transaction any. */
export function findInvitation(tx: MetadataTransaction, { invitationId }: ById): Promise<InvitationRow | undefined> {
  return tx.selectFrom('invitations').selectAll().where('invitation_id', '=', rowId(invitationId)).executeTakeFirst();
}

/** As `findInvitation`, for a row that must be there. @throws {NotFoundError} */
export async function getInvitation(tx: MetadataTransaction, { invitationId }: ById): Promise<InvitationRow> {
  return found(await findInvitation(tx, { invitationId }), { entity, id: invitationId });
}

/** The invitation while it is open by the database's clock, locked until the transaction ends: of two who accept it at once, one finds it. */
export function lockOpenInvitation(
  tx: OperatorTransaction,
  { invitationId }: ById,
): Promise<InvitationRow | undefined> {
  return tx
    .selectFrom('invitations')
    .selectAll()
    .where('invitation_id', '=', rowId(invitationId))
    .where('accepted_at', 'is', null)
    .where('revoked_at', 'is', null)
    .where(sql<SqlBool>`expires_at > now()`)
    .forUpdate()
    .executeTakeFirst();
}

/** Invitations, newest first: accepted, revoked and expired ones too. */
export async function listInvitations(
  tx: MetadataTransaction,
  request: PageRequest = {},
): Promise<Page<InvitationRow>> {
  const rows = await tx
    .selectFrom('invitations')
    .selectAll()
    .where('invitation_id', '<', idBeforePage(request))
    .orderBy('invitation_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.invitation_id]);
}

/** Writes an invitation of the organization. @throws {ConflictError} when the address has one that is neither accepted nor revoked. */
export function insertInvitation(
  tx: OrganizationTransaction,
  invitation: OwnedRow<NewInvitationRow>,
): Promise<InvitationRow> {
  const row = { ...invitation, invitation_id: invitation.invitation_id ?? newId(), org_id: organizationOf(tx) };
  return translateRefusal({ entity, id: row.invitation_id, hint: 'revoke the invitation that this address has' }, () =>
    tx.insertInto('invitations').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** Closes an invitation as accepted. */
export async function closeInvitation(tx: OperatorTransaction, { invitationId }: ById): Promise<void> {
  await tx
    .updateTable('invitations')
    .set({ accepted_at: sql<Date>`now()` })
    .where('invitation_id', '=', rowId(invitationId))
    .execute();
}

/** Which invitations to revoke: exactly one of these. */
export type RevokedInvitations =
  | ById
  | { readonly email: string }
  /** All that this member made. */
  | { readonly invitedBy: string };

/** Ends open invitations of the organization; returns their ids. One that was accepted or revoked is not open. */
export async function revokeInvitations(
  tx: OrganizationTransaction,
  which: RevokedInvitations,
): Promise<readonly string[]> {
  let query = tx
    .updateTable('invitations')
    .set({ revoked_at: sql<Date>`now()` })
    .where('org_id', '=', organizationOf(tx))
    .where('accepted_at', 'is', null)
    .where('revoked_at', 'is', null);
  if ('invitationId' in which) query = query.where('invitation_id', '=', rowId(which.invitationId));
  else if ('email' in which) query = query.where('email', '=', which.email);
  else query = query.where('invited_by', '=', rowId(which.invitedBy));
  const rows = await query.returning('invitation_id').execute();
  return rows.map((row) => row.invitation_id);
}
