import { sqlMigration } from '../../postgres/sql-migration.ts';
import { refuse, triggerStatements } from './trigger-statements.ts';

const CURRENT = "nullif(current_setting('mad.org_id', true), '')::uuid";
const PLATFORM = "'00000000-0000-0000-0000-000000000000'::uuid";
const GENESIS = "repeat('0', 64)";

const COLUMNS = [
  'ALTER TABLE audit_logs ADD COLUMN chain_id UUID, ADD COLUMN seq BIGINT, ADD COLUMN prev_hash TEXT, ADD COLUMN hash TEXT',
  `CREATE TABLE audit_chains (
  chain_id UUID PRIMARY KEY,
  seq      BIGINT NOT NULL,
  hash     TEXT NOT NULL
)`,
  // Each field behind its number of bytes, so that no two rows give one text. org_id and user_id are not in it: their foreign keys blank them.
  `CREATE FUNCTION mad_audit_hash(entry audit_logs) RETURNS text LANGUAGE plpgsql STABLE AS $function$
BEGIN
  RETURN encode(sha256(convert_to('mad.audit.1' || (
    SELECT string_agg(coalesce(octet_length(convert_to(field, 'UTF8')) || ':' || field, '-'), '' ORDER BY n)
    FROM unnest(ARRAY[entry.chain_id::text, entry.seq::text, entry.prev_hash, entry.audit_id::text,
      (extract(epoch FROM entry.ts) * 1000000)::bigint::text, entry.action, entry.entity_type, entry.entity_id,
      entry.metadata::text]) WITH ORDINALITY AS fields(field, n)), 'UTF8')), 'hex');
END $function$`,
];

// Whoever migrates is not always a superuser: for the owner row-level security and the append-only trigger are put aside here.
const EXISTING_ROWS = [
  'ALTER TABLE audit_logs NO FORCE ROW LEVEL SECURITY',
  'ALTER TABLE audit_logs DISABLE TRIGGER mad_keep_audit_log',
  `DO $chain$
DECLARE
  entry audit_logs;
  last_chain UUID;
  last_seq BIGINT;
  last_hash TEXT;
BEGIN
  FOR entry IN SELECT * FROM audit_logs ORDER BY coalesce(org_id, ${PLATFORM}), audit_id LOOP
    entry.chain_id = coalesce(entry.org_id, ${PLATFORM});
    IF entry.chain_id IS DISTINCT FROM last_chain THEN
      last_chain = entry.chain_id;
      last_seq = 0;
      last_hash = ${GENESIS};
    END IF;
    IF entry.user_id IS NOT NULL AND entry.metadata->'actor' IS NULL THEN
      entry.metadata = entry.metadata || jsonb_build_object('actor', jsonb_build_object(
        'user_id', entry.user_id, 'email', (SELECT email FROM users WHERE user_id = entry.user_id)));
    END IF;
    last_seq = last_seq + 1;
    entry.seq = last_seq;
    entry.prev_hash = last_hash;
    last_hash = mad_audit_hash(entry);
    UPDATE audit_logs SET chain_id = last_chain, seq = last_seq, prev_hash = entry.prev_hash, hash = last_hash, metadata = entry.metadata
      WHERE audit_id = entry.audit_id;
  END LOOP;
  INSERT INTO audit_chains SELECT DISTINCT ON (chain_id) chain_id, seq, hash FROM audit_logs ORDER BY chain_id, seq DESC;
END $chain$`,
  'ALTER TABLE audit_logs ENABLE TRIGGER mad_keep_audit_log',
  'ALTER TABLE audit_logs FORCE ROW LEVEL SECURITY',
  `ALTER TABLE audit_logs ADD CONSTRAINT audit_logs_chained_check
    CHECK (chain_id IS NOT NULL AND seq IS NOT NULL AND prev_hash IS NOT NULL AND hash IS NOT NULL)`,
  'CREATE UNIQUE INDEX audit_logs_chain_key ON audit_logs(chain_id, seq)',
  'CREATE INDEX idx_audit_logs_chain_audit ON audit_logs(chain_id, audit_id DESC)',
  // The one before it takes over what lists read; the foreign key's look-up keeps (org_id, ts).
  'DROP INDEX idx_audit_logs_org_audit',
];

const headMoves = refuse(
  'audit_chains_append_only',
  'the head of an audit chain moves with the entries that are added, and not otherwise',
);

// Triggers of one event run in the order of their names: what is denied locks no chain, and the actor is written before the row is hashed.
const TRIGGERS = [
  ...triggerStatements({
    name: 'mad_audit_of_organization',
    body: `RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
      MESSAGE = 'new row violates row-level security policy for table "audit_logs"';`,
    on: [
      `BEFORE INSERT ON audit_logs FOR EACH ROW
        WHEN (current_user = 'mad_organization' AND NEW.org_id IS DISTINCT FROM ${CURRENT})`,
    ],
  }),
  `CREATE FUNCTION mad_link_audit_log() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $function$
DECLARE
  head audit_chains;
BEGIN
  NEW.chain_id = coalesce(NEW.org_id, ${PLATFORM});
  SELECT * INTO head FROM audit_chains WHERE chain_id = NEW.chain_id FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO audit_chains (chain_id, seq, hash) VALUES (NEW.chain_id, 0, ${GENESIS}) ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM audit_chains WHERE chain_id = NEW.chain_id FOR UPDATE;
  END IF;
  -- ON CONFLICT DO NOTHING would drop the row after its number was given out.
  IF EXISTS (SELECT FROM audit_logs WHERE audit_id = NEW.audit_id) THEN
    RAISE EXCEPTION USING ERRCODE = 'unique_violation', CONSTRAINT = 'audit_logs_pkey', MESSAGE = 'an audit log of this id is there already';
  END IF;
  IF NEW.user_id IS NULL THEN
    NEW.metadata = NEW.metadata - 'actor';
  END IF;
  NEW.seq = head.seq + 1;
  NEW.prev_hash = head.hash;
  NEW.hash = mad_audit_hash(NEW);
  UPDATE audit_chains SET seq = NEW.seq, hash = NEW.hash WHERE chain_id = NEW.chain_id;
  RETURN NEW;
END $function$`,
  'CREATE TRIGGER mad_link_audit_log BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION mad_link_audit_log()',
  // A search path that does not name pg_temp looks there first, where any login may put a table of the same name.
  `DO $path$
BEGIN
  EXECUTE format('ALTER FUNCTION mad_link_audit_log() SET search_path = pg_catalog, %I, pg_temp', current_schema());
  EXECUTE format('ALTER FUNCTION mad_copy_audit_actor() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $path$`,
  ...triggerStatements({
    name: 'mad_keep_audit_chain',
    body: headMoves,
    on: ['BEFORE UPDATE OR DELETE ON audit_chains FOR EACH ROW WHEN (pg_trigger_depth() = 0)'],
  }),
  ...triggerStatements({
    name: 'mad_keep_audit_chains',
    body: headMoves,
    on: ['BEFORE TRUNCATE ON audit_chains FOR EACH STATEMENT'],
  }),
];

// The trigger runs as the owner, whom FORCE binds like anyone else; by the root handle, outside of a trigger, the owner sees nothing.
const isTrigger = `pg_trigger_depth() > 0
  AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'audit_chains'::regclass)`;
const ownChain = `current_user = 'mad_organization' AND chain_id = ${CURRENT}`;

const POLICIES = [
  'ALTER TABLE audit_chains ENABLE ROW LEVEL SECURITY',
  'ALTER TABLE audit_chains FORCE ROW LEVEL SECURITY',
  `CREATE POLICY mad_organization_read ON audit_chains FOR SELECT TO mad_organization USING (${ownChain})`,
  "CREATE POLICY mad_operator_read ON audit_chains FOR SELECT TO mad_operator USING (current_user = 'mad_operator')",
  `CREATE POLICY mad_link ON audit_chains USING (${isTrigger}) WITH CHECK (${isTrigger})`,
  'GRANT SELECT ON audit_chains TO mad_organization, mad_operator',
  `CREATE POLICY mad_link ON audit_logs FOR SELECT USING (${isTrigger})`,
  // By chain_id, which is hashed: nobody hides a row from its organization by blanking org_id.
  'DROP POLICY mad_organization_read ON audit_logs',
  `CREATE POLICY mad_organization_read ON audit_logs FOR SELECT TO mad_organization USING (${ownChain})`,
];

/**
 * Audit logs become a chain for each organization, and one for the platform: each row's hash covers the row and the hash before. Who adds a row
 * holds the head of the chain until the transaction ends, so that numbers have no gaps.
 */
export const auditChain = sqlMigration([...COLUMNS, ...EXISTING_ROWS, ...TRIGGERS, ...POLICIES]);
