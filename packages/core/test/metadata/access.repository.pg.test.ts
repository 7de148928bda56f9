import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { ConflictError, NotFoundError, RowRefusedError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import {
  findAuditLog,
  getAuditLog,
  insertAuditLog,
  insertOperatorAuditLog,
  listAuditLogs,
} from '../../src/metadata/audit-log.repository.ts';
import {
  deleteIdentity,
  findUserByAssertion,
  getIdentity,
  insertIdentity,
  listIdentities,
  updateIdentity,
} from '../../src/metadata/identity.repository.ts';
import {
  deleteIdentityProvider,
  getIdentityProvider,
  insertIdentityProvider,
  listIdentityProviders,
  updateIdentityProvider,
} from '../../src/metadata/identity-provider.repository.ts';
import {
  closeInvitation,
  getInvitation,
  insertInvitation,
  listInvitations,
  lockOpenInvitation,
  revokeInvitations,
} from '../../src/metadata/invitation.repository.ts';
import {
  countAdmins,
  deleteMembership,
  deleteMembershipRole,
  findMember,
  getMember,
  insertMembership,
  insertMembershipRole,
  insertMembershipRoleAsOperator,
  listAdministered,
  listMemberPermissions,
  listMemberRoles,
  listMembers,
  listUserOrganizations,
  lockAdmins,
  setMembershipDisabled,
} from '../../src/metadata/membership.repository.ts';
import {
  inAllOrganizations,
  inOrganization,
  type OrganizationTransaction,
} from '../../src/metadata/metadata-database.ts';
import {
  deleteRole,
  deleteRolePermissions,
  findRoleByName,
  getRole,
  insertGlobalRole,
  insertRole,
  insertRolePermissions,
  listRolePermissions,
  listRoles,
  updateRole,
} from '../../src/metadata/role.repository.ts';
import { countSignInAttempts, forgetSignInAttempts } from '../../src/metadata/sign-in-attempt.repository.ts';
import {
  deleteToken,
  findTokenHolder,
  getToken,
  insertToken,
  insertTokenAsOperator,
  insertUnscopedToken,
  listTokens,
  lockToken,
  revokeToken,
  revokeTokenFamily,
  revokeUserTokens,
  rotateToken,
  touchToken,
} from '../../src/metadata/token.repository.ts';
import {
  findUserByEmail,
  getUser,
  insertUser,
  listUsers,
  UNUSABLE_PASSWORD,
  updateUser,
} from '../../src/metadata/user.repository.ts';
import { describeOnEachDatabase } from './each-database.ts';
import { fillOrganization } from './fill-organization.ts';

describeOnEachDatabase((db) => {
  let a: Awaited<ReturnType<typeof fillOrganization>>;
  let b: typeof a;
  beforeAll(async () => {
    a = await fillOrganization(db());
    b = await fillOrganization(db());
  });
  const asA = <T>(run: (tx: OrganizationTransaction) => Promise<T>): Promise<T> => inOrganization(db(), a.org_id, run);

  test('a user is found by e-mail whatever its case, and has no password unless given one', async () => {
    await inAllOrganizations(db(), async (tx) => {
      const { user_id } = await insertUser(tx, { email: 'Ada@Example.org' });
      expect(await findUserByEmail(tx, { email: 'ada@example.ORG' })).toMatchObject({
        user_id,
        hashed_password: UNUSABLE_PASSWORD,
        enabled: true,
      });
      expect(await updateUser(tx, { userId: user_id, set: { enabled: false } })).toMatchObject({ enabled: false });
      expect(await updateUser(tx, { userId: user_id, set: {} })).toMatchObject({ enabled: false });
      expect((await listUsers(tx, { limit: 1 })).items).toMatchObject([{ user_id }]);
      await expect(getUser(tx, { userId: 'nobody' })).rejects.toThrow(NotFoundError);
    });
    const taken = inAllOrganizations(db(), (tx) => insertUser(tx, { email: 'ADA@example.org' }));
    await expect(taken).rejects.toThrow(ConflictError);
    await expect(taken).rejects.not.toThrow(/ADA@/);
  });

  test('roles are named once, listed with the global ones, and carry permissions', async () => {
    const global = await inAllOrganizations(db(), (tx) => insertGlobalRole(tx, { name: newId() }));
    await asA(async (tx) => {
      const role = await insertRole(tx, { name: 'docker' });
      expect(await findRoleByName(tx, { name: 'docker' })).toEqual(role);
      await insertRolePermissions(tx, { roleId: role.role_id, permissions: ['job.view', 'job.create'] });
      await insertRolePermissions(tx, { roleId: role.role_id, permissions: ['job.view'] });
      expect(await listRolePermissions(tx, { roleId: role.role_id })).toEqual(['job.create', 'job.view']);
      expect(await deleteRolePermissions(tx, { roleId: role.role_id, permissions: ['job.view', 'no'] })).toBe(1);
      expect((await listRoles(tx)).items.map((row) => row.role_id)).toEqual([role.role_id, global.role_id, a.role_id]);
      expect(await updateRole(tx, { roleId: role.role_id, set: { name: 'renamed' } })).toMatchObject({
        name: 'renamed',
        org_id: a.org_id,
      });
      expect([
        await deleteRole(tx, { roleId: role.role_id }),
        await deleteRole(tx, { roleId: global.role_id }),
      ]).toEqual([true, false]);
      await expect(getRole(tx, { roleId: role.role_id })).rejects.toThrow(NotFoundError);
    });
    await expect(asA((tx) => insertRole(tx, { name: 'admin' }))).rejects.toThrow(ConflictError);
  });

  test('members hold roles and their permissions, each once', async () => {
    const { user_id } = await inAllOrganizations(db(), (tx) => insertUser(tx, { email: `${newId()}@example.org` }));
    const root = await inAllOrganizations(db(), (tx) => insertGlobalRole(tx, { name: newId() }));
    await asA(async (tx) => {
      await insertMembership(tx, { userId: user_id });
      await insertMembershipRole(tx, { userId: user_id, roleId: a.role_id });
    });
    await inAllOrganizations(db(), async (tx) => {
      await insertMembershipRoleAsOperator(tx, { userId: user_id, roleId: root.role_id, orgId: a.org_id });
      expect(await listUserOrganizations(tx, { userId: user_id })).toEqual([
        { org_id: a.org_id, name: a.name, status: 'active' },
      ]);
    });
    await asA(async (tx) => {
      expect((await listMemberRoles(tx, { userId: user_id })).map((role) => role.role_id).sort()).toEqual(
        [a.role_id, root.role_id].sort(),
      );
      expect(await listMemberPermissions(tx, { userId: user_id })).toEqual(['job.create']);
      expect((await listMembers(tx)).items.map((member) => member.user_id)).toEqual([user_id, a.user_id]);
      expect(Object.keys(await getMember(tx, { userId: user_id })).sort()).toEqual([
        'created_at',
        'disabled_at',
        'email',
        'enabled',
        'user_id',
      ]);
      expect(await findMember(tx, { userId: b.user_id })).toBeUndefined();
      expect(await deleteMembershipRole(tx, { userId: user_id, roleId: root.role_id })).toBe(false);
      expect(await deleteMembershipRole(tx, { userId: user_id, roleId: a.role_id })).toBe(true);
      expect(await deleteMembership(tx, { userId: user_id })).toBe(true);
    });
    await expect(asA((tx) => insertMembership(tx, { userId: a.user_id }))).rejects.toThrow(ConflictError);
    await expect(asA((tx) => insertMembership(tx, { userId: newId() }))).rejects.toThrow(RowRefusedError);
    const foreign = asA((tx) => insertMembershipRole(tx, { userId: a.user_id, roleId: b.role_id }));
    await expect(foreign).rejects.toMatchObject({ constraint: 'membership_roles_role_of_organization' });
  });

  test('a token is valid until it is revoked or expires, or its user is disabled', async () => {
    const secret_hash = 'ab'.repeat(32);
    const { token, old } = await asA(async (tx) => ({
      token: await insertToken(tx, {
        user_id: a.user_id,
        kind: 'api_key',
        name: 'ci',
        scopes: ['job.create'],
        secret_hash,
        expires_at: new Date('2999-01-01'),
      }),
      old: await insertToken(tx, { user_id: a.user_id, kind: 'api_key', expires_at: '2001-01-01' }),
    }));
    expect(token).toMatchObject({
      org_id: a.org_id,
      scopes: ['job.create'],
      secret_hash,
      last_used_at: null,
      revoked: false,
    });
    await inAllOrganizations(db(), async (tx) => {
      await touchToken(tx, { tokenId: token.token_id });
      expect((await getToken(tx, { tokenId: token.token_id })).last_used_at).toBeInstanceOf(Date);
      expect(await revokeToken(tx, { tokenId: token.token_id })).toMatchObject({ revoked: true });
      const unscoped = await insertUnscopedToken(tx, { user_id: a.user_id, kind: 'refresh', expires_at: '2999-01-01' });
      expect(unscoped.org_id).toBeNull();
    });
    await asA(async (tx) => {
      expect((await listTokens(tx, { userId: a.user_id, kind: 'api_key' })).items).toHaveLength(3);
      expect(await deleteToken(tx, { tokenId: old.token_id })).toBe(true);
      expect(await deleteToken(tx, { tokenId: b.token_id })).toBe(false);
      await expect(revokeToken(tx, { tokenId: b.token_id })).rejects.toThrow(NotFoundError);
    });
  });

  test('no token is written for who is no member, and nothing tells whether there is such a user', async () => {
    const token = { kind: 'api_key', expires_at: '2999-01-01' };
    for (const user_id of [b.user_id, newId(), 'none'])
      await expect(asA((tx) => insertToken(tx, { ...token, user_id }))).rejects.toMatchObject({
        code: 'MAD_CORE_NOT_FOUND',
        details: { entity: 'member', id: user_id },
      });
  });

  test('a token is found with its holder in one statement, which leaves no role behind', async () => {
    const { token_id } = await asA((tx) =>
      insertToken(tx, {
        user_id: a.user_id,
        kind: 'api_key',
        scopes: ['job.create'],
        secret_hash: 'cd'.repeat(32),
        expires_at: '2999-01-01',
      }),
    );
    const holder = await findTokenHolder(db(), { tokenId: token_id });
    expect(holder).toMatchObject({
      user_id: a.user_id,
      org_id: a.org_id,
      kind: 'api_key',
      secret_hash: 'cd'.repeat(32),
      scopes: ['job.create'],
      stale: true,
      enabled: true,
      status: 'active',
      member: true,
      permissions: ['job.create'],
    });
    expect(holder?.valid_ms).toBeGreaterThan(86_400_000);
    const { rows } = await sql`select current_user = session_user as back`.execute(db());
    expect(rows).toEqual([{ back: true }]);
    await asA(async (tx) => {
      await setMembershipDisabled(tx, { userId: a.user_id, disabled: true });
      await touchToken(tx, { tokenId: token_id });
    });
    expect(await findTokenHolder(db(), { tokenId: token_id })).toMatchObject({ member: false, stale: false });
    await asA((tx) => setMembershipDisabled(tx, { userId: a.user_id, disabled: false }));
    await asA((tx) => revokeToken(tx, { tokenId: token_id }));
    expect(await findTokenHolder(db(), { tokenId: token_id })).toMatchObject({ member: true, valid_ms: 0 });
    expect(await findTokenHolder(db(), { tokenId: 'none' })).toBeUndefined();
    const old = await asA((tx) => insertToken(tx, { user_id: a.user_id, kind: 'api_key', expires_at: '2001-01-01' }));
    await inAllOrganizations(db(), (tx) => updateUser(tx, { userId: a.user_id, set: { enabled: false } }));
    const late = await findTokenHolder(db(), { tokenId: old.token_id });
    await inAllOrganizations(db(), (tx) => updateUser(tx, { userId: a.user_id, set: { enabled: true } }));
    expect(late?.enabled).toBe(false);
    expect(late?.valid_ms).toBeLessThan(0);
    await expect(asA((tx) => setMembershipDisabled(tx, { userId: b.user_id, disabled: true }))).rejects.toThrow(
      NotFoundError,
    );
  });

  test('a family of tokens ends as one, and a user has theirs ended in one organization or in all', async () => {
    await inAllOrganizations(db(), async (tx) => {
      const family_id = newId();
      const token = { user_id: a.user_id, kind: 'refresh', family_id, expires_at: '2999-01-01' };
      const [first, second] = [
        await insertTokenAsOperator(tx, { ...token, org_id: null }),
        await insertTokenAsOperator(tx, { ...token, org_id: b.org_id }),
      ];
      await rotateToken(tx, { tokenId: first.token_id });
      expect(await lockToken(tx, { tokenId: first.token_id })).toMatchObject({ revoked: true, expired: false });
      expect((await lockToken(tx, { tokenId: first.token_id }))?.rotated_ms).toBeGreaterThanOrEqual(0);
      expect((await lockToken(tx, { tokenId: second.token_id }))?.rotated_ms).toBeNull();
      expect(await revokeTokenFamily(tx, { familyId: family_id })).toBe(1);
      expect(await revokeTokenFamily(tx, { familyId: family_id })).toBe(0);
      await insertTokenAsOperator(tx, { ...token, org_id: b.org_id });
    });
    expect(await asA((tx) => revokeUserTokens(tx, { userId: a.user_id, kind: 'refresh' }))).toBe(0);
    const all = await inAllOrganizations(db(), (tx) => revokeUserTokens(tx, { userId: a.user_id, kind: 'refresh' }));
    expect(all).toBeGreaterThan(0);
  });

  test('an address has one open invitation, which is accepted or revoked once', async () => {
    const invitation = { email: 'alan@example.org', role_ids: [a.role_id], secret_hash: 'ef'.repeat(32) };
    const { invitation_id } = await asA((tx) => insertInvitation(tx, { ...invitation, expires_at: '2999-01-01' }));
    const twice = asA((tx) =>
      insertInvitation(tx, { ...invitation, email: 'ALAN@example.org', expires_at: '2999-01-01' }),
    );
    await expect(twice).rejects.toThrow(ConflictError);
    const lock = () => inAllOrganizations(db(), (tx) => lockOpenInvitation(tx, { invitationId: invitation_id }));
    expect(await lock()).toMatchObject({ role_ids: [a.role_id], accepted_at: null });
    const byOther = inOrganization(db(), b.org_id, (tx) => revokeInvitations(tx, { invitationId: invitation_id }));
    expect(await byOther).toEqual([]);
    await inAllOrganizations(db(), (tx) => closeInvitation(tx, { invitationId: invitation_id }));
    expect(await lock()).toBeUndefined();
    expect(await asA((tx) => revokeInvitations(tx, { email: 'alan@example.org' }))).toEqual([]);
    const late = await asA((tx) => insertInvitation(tx, { ...invitation, expires_at: '2001-01-01' }));
    expect(
      await inAllOrganizations(db(), (tx) => lockOpenInvitation(tx, { invitationId: late.invitation_id })),
    ).toBeUndefined();
    expect(await asA((tx) => revokeInvitations(tx, { email: 'alan@example.org' }))).toEqual([late.invitation_id]);
    expect((await asA((tx) => listInvitations(tx, { limit: 2 }))).items.map((row) => row.invitation_id)).toEqual([
      late.invitation_id,
      invitation_id,
    ]);
    const foreign = inOrganization(db(), b.org_id, (tx) => getInvitation(tx, { invitationId: invitation_id }));
    await expect(foreign).rejects.toThrow(NotFoundError);
  });

  test('sign-ins are counted in windows, those that are over are removed, and no organization reads them', async () => {
    const count = (keys: string[], windowMs = 60_000) =>
      inAllOrganizations(db(), (tx) => countSignInAttempts(tx, { keys, windowMs }));
    expect(await count(['k1', 'k2', 'k1'])).toEqual(
      new Map([
        ['k1', 1],
        ['k2', 1],
      ]),
    );
    expect(await count(['k1'])).toEqual(new Map([['k1', 2]]));
    expect(await count(['gone'], 0)).toEqual(new Map([['gone', 1]]));
    expect(await count(['gone'], 60_000)).toEqual(new Map([['gone', 1]]));
    await inAllOrganizations(db(), (tx) => forgetSignInAttempts(tx, { key: 'k1' }));
    expect(await count(['k1'])).toEqual(new Map([['k1', 1]]));
    await count(['over'], 0);
    await count(['k2']);
    const kept = await inAllOrganizations(db(), (tx) => tx.selectFrom('sign_in_attempts').select('key').execute());
    expect(kept.map(({ key }) => key)).not.toContain('over');
    await expect(asA((tx) => tx.selectFrom('sign_in_attempts').selectAll().execute())).rejects.toThrow(/permission/);
  });

  test('administrators are those who may act, in their own organization', async () => {
    const admins = (orgId: string) => inAllOrganizations(db(), (tx) => countAdmins(tx, { orgId }));
    expect([await admins(a.org_id), await admins(newId())]).toEqual([1, 0]);
    expect(await inAllOrganizations(db(), (tx) => listAdministered(tx, { userId: a.user_id }))).toEqual([a.org_id]);
    await asA(async (tx) => {
      await lockAdmins(tx, { orgId: a.org_id });
      expect(await countAdmins(tx, { orgId: b.org_id })).toBe(0);
      await setMembershipDisabled(tx, { userId: a.user_id, disabled: true });
      expect(await countAdmins(tx, { orgId: a.org_id })).toBe(0);
      await setMembershipDisabled(tx, { userId: a.user_id, disabled: false });
    });
  });

  test('who signs in is found by subject; by e-mail only when it is verified and the host opted in', async () => {
    await inAllOrganizations(db(), async (tx) => {
      const { provider_id } = await insertIdentityProvider(tx, { name: 'Lab', kind: 'saml' });
      const email = `${a.org_id}@example.org`;
      const find = (asserted: object) =>
        findUserByAssertion(tx, { providerId: provider_id, subject: 's1', email, ...asserted });
      expect(await find({})).toBeUndefined();
      expect(await find({ emailVerified: true })).toBeUndefined();
      expect(await find({ linkByEmail: true })).toBeUndefined();
      expect(await find({ emailVerified: true, linkByEmail: true })).toMatchObject({ user_id: a.user_id });
      const { identity_id } = await insertIdentity(tx, { user_id: b.user_id, provider_id, subject: 's1', email });
      expect(await find({ emailVerified: true, linkByEmail: true })).toMatchObject({ user_id: b.user_id });
      expect(
        await updateIdentity(tx, { identityId: identity_id, set: { email: null, email_verified: false } }),
      ).toMatchObject({ email: null });
      expect((await listIdentities(tx, { userId: b.user_id })).items).toHaveLength(1);
      expect(await deleteIdentity(tx, { identityId: identity_id })).toBe(true);
      await expect(getIdentity(tx, { identityId: identity_id })).rejects.toThrow(NotFoundError);
      expect(
        await updateIdentityProvider(tx, { providerId: provider_id, set: { config: { tenant: 't' } } }),
      ).toMatchObject({ config: { tenant: 't' } });
      expect((await listIdentityProviders(tx)).items).toHaveLength(1);
      expect(await deleteIdentityProvider(tx, { providerId: provider_id })).toBe(true);
      await expect(getIdentityProvider(tx, { providerId: provider_id })).rejects.toThrow(NotFoundError);
    });
  });

  test('the audit trail tells who did what to which entity', async () => {
    const entry = {
      user_id: a.user_id,
      action: 'job.cancel',
      entity_type: 'job',
      entity_id: a.job_id,
      metadata: { reason: 'typo' },
    };
    const { audit_id } = await asA((tx) => insertAuditLog(tx, entry));
    await asA(async (tx) => {
      const page = await listAuditLogs(tx, {
        entityType: 'job',
        entityId: a.job_id,
        action: 'job.cancel',
        userId: a.user_id,
      });
      expect(page.items).toEqual([await getAuditLog(tx, { auditId: audit_id })]);
      expect(page.items[0]?.metadata).toEqual({
        reason: 'typo',
        actor: { user_id: a.user_id, email: `${a.org_id}@example.org` },
      });
    });
    const platform = await inAllOrganizations(db(), (tx) =>
      insertOperatorAuditLog(tx, { orgId: null, entry: { action: 'migrate', entity_type: 'fleet' } }),
    );
    expect(await asA((tx) => findAuditLog(tx, { auditId: platform.audit_id }))).toBeUndefined();
  });
});
