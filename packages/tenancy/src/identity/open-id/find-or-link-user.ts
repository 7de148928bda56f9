import {
  findIdentityBySubject,
  findUserByAssertion,
  findUserByEmail,
  getUser,
  insertIdentity,
  insertUser,
  isEmailAddress,
  type OperatorTransaction,
  recordOperatorAudit,
  type UserRow,
  updateIdentity,
} from '@mad/core';
import { UserDisabledError } from '../../errors.ts';
import { IdentityUnlinkedError, type UnlinkedReason } from '../identity-errors.ts';
import type { ProviderConfig } from './provider-config.ts';

/** What a provider proved of the one who comes back from it. */
export interface ProvenIdentity {
  readonly providerId: string;
  readonly subject: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
}

interface Proof {
  readonly identity: ProvenIdentity;
  readonly config: ProviderConfig;
  /** The user who links the identity to their account; null: whoever it is signs in. */
  readonly linkTo: string | null;
}

/**
 * The user of the identity, who is linked to it from now on and may sign in.
 * @throws {IdentityUnlinkedError} @throws {UserDisabledError} @throws {ConflictError} when it belongs to another user than the one to link it to.
 */
export async function findOrLinkUser(tx: OperatorTransaction, proof: Proof): Promise<UserRow> {
  const { identity, config, linkTo } = proof;
  const { providerId, subject, email, emailVerified } = identity;
  const linked = await findIdentityBySubject(tx, { providerId, subject });
  const linkByEmail = config.link_by_verified_email;
  const known =
    linkTo === null
      ? await findUserByAssertion(tx, { ...identity, linkByEmail })
      : await getUser(tx, { userId: linkTo });
  const user = known ?? (await makeUser(tx, proof));
  await requireEnabled(tx, user);
  const isUsable = isEmailAddress(email);
  const asserted = { email: isUsable ? email : null, email_verified: isUsable && emailVerified };
  if (linked?.user_id === user.user_id) {
    await updateIdentity(tx, { identityId: linked.identity_id, set: asserted });
    return user;
  }
  const { user_id } = user;
  await insertIdentity(tx, { user_id, provider_id: providerId, subject, ...asserted });
  await recordOperatorAudit(
    tx,
    { orgId: null, actor: user_id },
    {
      action: known ? 'identity.link' : 'user.create',
      entityType: 'user',
      entityId: user_id,
      after: { provider: providerId, subject },
      facts: { provider: providerId },
    },
  );
  return user;
}

async function makeUser(tx: OperatorTransaction, { identity, config }: Proof): Promise<UserRow> {
  const { providerId, email, emailVerified } = identity;
  const refuse = (reason: UnlinkedReason) => new IdentityUnlinkedError({ providerId, reason });
  if (!config.create_users && !config.link_by_verified_email) throw refuse('unknown');
  if (email === null) throw refuse('email_missing');
  if (!isEmailAddress(email)) throw refuse('email_unusable');
  // Whoever may type any address at some provider would take it from who owns it.
  if (!emailVerified) throw refuse('email_unverified');
  if (!config.create_users) throw refuse('unknown');
  if (await findUserByEmail(tx, { email })) throw refuse('email_taken');
  return insertUser(tx, { email });
}

/** Locked, so that a user who is disabled at this moment is seen to be. */
async function requireEnabled(tx: OperatorTransaction, { user_id }: UserRow): Promise<void> {
  const user = await tx
    .selectFrom('users')
    .select('enabled')
    .where('user_id', '=', user_id)
    .forShare()
    .executeTakeFirst();
  if (!user?.enabled) throw new UserDisabledError({ userId: user_id });
}
