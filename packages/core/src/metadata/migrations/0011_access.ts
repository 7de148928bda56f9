import { sqlMigration } from '../../postgres/sql-migration.ts';

const own = "current_user = 'mad_organization' AND org_id = nullif(current_setting('mad.org_id', true), '')::uuid";
const isOperator = "current_user = 'mad_operator'";

const MEMBERS = ['ALTER TABLE memberships ADD COLUMN disabled_at TIMESTAMPTZ NULL'];

const TOKEN_FAMILIES = [
  `ALTER TABLE tokens
    ADD COLUMN family_id UUID NULL,
    ADD COLUMN rotated_at TIMESTAMPTZ NULL`,
  'CREATE INDEX idx_tokens_family ON tokens(family_id) WHERE family_id IS NOT NULL',
];

const INVITATIONS = [
  `CREATE TABLE invitations (
    invitation_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    org_id        UUID NOT NULL REFERENCES organizations(org_id) ON DELETE CASCADE,
    email         CITEXT NOT NULL,
    role_ids      UUID[] NOT NULL,
    secret_hash   TEXT NOT NULL CONSTRAINT invitations_secret_hash_check CHECK (secret_hash ~ '^[0-9a-f]{64}$'),
    invited_by    UUID NULL REFERENCES users(user_id) ON DELETE SET NULL,
    expires_at    TIMESTAMPTZ NOT NULL,
    accepted_at   TIMESTAMPTZ NULL,
    revoked_at    TIMESTAMPTZ NULL,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
  'CREATE UNIQUE INDEX invitations_open_key ON invitations(org_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL',
  'CREATE INDEX idx_invitations_org_invitation ON invitations(org_id, invitation_id DESC)',
  'CREATE INDEX idx_invitations_invited_by ON invitations(invited_by)',
  `CREATE TRIGGER mad_keep_organization BEFORE UPDATE ON invitations FOR EACH ROW
    WHEN (OLD.org_id IS DISTINCT FROM NEW.org_id) EXECUTE FUNCTION mad_keep_organization()`,
  'ALTER TABLE invitations ENABLE ROW LEVEL SECURITY',
  'ALTER TABLE invitations FORCE ROW LEVEL SECURITY',
  `CREATE POLICY mad_organization_all ON invitations TO mad_organization USING (${own}) WITH CHECK (${own})`,
  `CREATE POLICY mad_operator_all ON invitations TO mad_operator USING (${isOperator}) WITH CHECK (${isOperator})`,
  'GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO mad_organization, mad_operator',
];

const SIGN_IN_ATTEMPTS = [
  `CREATE TABLE sign_in_attempts (
    key        TEXT PRIMARY KEY,
    attempts   INT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
  )`,
  'CREATE INDEX idx_sign_in_attempts_expires ON sign_in_attempts(expires_at)',
  'GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_attempts TO mad_operator',
];

// Taking the role and reading as it is one statement: a token is looked up in one round trip. Only a login that may take the role gets through.
// The role is checked when the function runs: who migrates may not be allowed to take it, as the owner that a superuser made the roles for.
const TOKEN_HOLDER = [
  'SET LOCAL check_function_bodies = off',
  `CREATE FUNCTION mad_token_holder(wanted uuid) RETURNS TABLE (
    user_id uuid, org_id uuid, kind text, secret_hash text, scopes text[], valid_ms double precision, stale boolean,
    enabled boolean, status text, member boolean, permissions text[])
  LANGUAGE sql STABLE SET search_path FROM CURRENT SET role = 'mad_operator' AS $function$
    SELECT t.user_id, t.org_id, t.kind, t.secret_hash, t.scopes,
      CASE WHEN t.revoked THEN 0 ELSE extract(epoch FROM t.expires_at - now()) * 1000 END::double precision,
      coalesce(t.last_used_at < now() - interval '1 minute', TRUE),
      u.enabled, o.status, m.user_id IS NOT NULL AND m.disabled_at IS NULL,
      ARRAY(SELECT DISTINCT p.permission FROM membership_roles g JOIN role_permissions p USING (role_id)
        WHERE g.user_id = t.user_id AND g.org_id = t.org_id ORDER BY 1)
    FROM tokens t JOIN users u ON u.user_id = t.user_id
      LEFT JOIN organizations o ON o.org_id = t.org_id
      LEFT JOIN memberships m ON m.org_id = t.org_id AND m.user_id = t.user_id
    WHERE t.token_id = wanted
  $function$`,
  'SET LOCAL check_function_bodies = on',
];

/** Invitations, families of refresh tokens, members that are disabled, limits of sign-in, and the look-up of a token in one statement. */
export const access = sqlMigration([
  ...MEMBERS,
  ...TOKEN_FAMILIES,
  ...INVITATIONS,
  ...SIGN_IN_ATTEMPTS,
  ...TOKEN_HOLDER,
]);
