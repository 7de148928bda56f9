import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runMad } from '../../src/index.ts';
import { mad } from '../mad-process.ts';
import { type CachedOrganization, openCachedOrganization } from './cached-organization.ts';

let organization: CachedOrganization;
beforeAll(async () => {
  organization = await openCachedOrganization();
});
afterAll(() => organization[Symbol.asyncDispose]());

const cache = (...args: string[]) => cacheWith({}, ...args);

async function cacheWith(env: Readonly<Record<string, string>>, ...args: string[]) {
  const printed = { out: '', err: '' };
  const code = await runMad(['cache', ...args, ...organization.flags], {
    env,
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
  });
  return { code, ...printed };
}

/** What a command prints with `--json`. */
async function json(...args: string[]) {
  const { code, out, err } = await cache(...args, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

const ethanol = { smiles: 'CCO', seed: 1 };
interface Listed {
  readonly cache_key: string;
  readonly task_key: string | null;
  readonly state: string;
  readonly canonical_job_id: string;
}
/** The entries of the job that computes these parameters: of its step, and of the whole. */
async function compute(parameters: { smiles: string; seed: number }) {
  const { jobId } = await organization.run(parameters);
  const { items } = (await json('list', '--job', jobId)) as { items: Listed[] };
  const step = items.find(({ task_key }) => task_key === 'dock');
  const whole = items.find(({ task_key }) => task_key === null);
  if (!step || !whole) throw new TypeError(`expected two entries, not ${JSON.stringify(items)}`);
  return { jobId, step, whole };
}

test('entries are listed, and shown with what happened to them', async () => {
  const { jobId, step } = await compute(ethanol);
  const { code, out, err } = await cache('list', '--job', jobId);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const lines = out.split('\n');
  expect(lines[0]).toMatch(/^key +state +task +step +confidence +hits +last used +expires +size +saves +job$/);
  expect(out).toMatch(new RegExp(`^${step.cache_key}  served  dock +dock +- +0 .* ${jobId}$`, 'm'));
  expect(out).toMatch(/ {2}served {2}whole job /);
  expect(lines.at(-2)).toBe('2 entries');
  expect((await cache('list', '--task', 'nothing')).out).toBe('no entries\n');

  expect(await cache('pin', step.cache_key)).toMatchObject({ code: 0, out: `pinned ${step.cache_key}\n` });
  expect((await json('list', '--pinned')).items).toEqual([
    expect.objectContaining({ cache_key: step.cache_key, pinned: true, task_key: 'dock' }),
  ]);
  const shown = await cache('show', step.cache_key);
  expect(shown.out).toMatch(/^state +served, pinned$/m);
  expect(shown.out).toMatch(/^file .*mad:\/\/org\//m);
  expect(shown.out).toMatch(/^made +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/m);
  expect(shown.out).toMatch(/^when +event +reason +by user +job before +confidence before +values$/m);
  expect(shown.out).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}PINNED /m);
  expect((await cache('show', step.cache_key.toUpperCase())).out).toBe(shown.out);
  expect(await cache('unpin', step.cache_key)).toMatchObject({ code: 0, out: `unpinned ${step.cache_key}\n` });

  expect(await cache('expire', step.cache_key, '--at', '2000-01-01T00:00:00Z')).toMatchObject({ code: 0 });
  expect(await json('show', step.cache_key)).toMatchObject({
    state: 'expired',
    expires_at: '2000-01-01T00:00:00.000Z',
  });
  expect((await cache('show', step.cache_key)).out).toMatch(/ EXPIRY_SET .*"expires_at":"2000-01-01T/);
  expect((await cache('expire', step.cache_key, '--never')).out).toBe(`${step.cache_key} does not expire\n`);
  expect(await json('show', step.cache_key)).toMatchObject({ state: 'served', expires_at: null });
});

test('the first digits of a key are enough where no other key begins so', async () => {
  const { step } = await compute({ smiles: 'CCCO', seed: 1 });
  const prefix = step.cache_key.slice(0, 8);
  expect(await cache('pin', prefix)).toMatchObject({ code: 0, out: `pinned ${step.cache_key}\n` });
  expect(await json('show', prefix)).toMatchObject({ cache_key: step.cache_key, pinned: true });
  await using twins = await organization.addTwins(step.cache_key, 7);
  for (const args of [['show'], ['unpin'], ['invalidate'], ['expire', '--never']]) {
    const [command = '', ...options] = args;
    const told = await cache(command, prefix, ...options);
    expect(told, command).toMatchObject({ code: 1, out: '' });
    const named = twins.keys.slice(0, 5).join(', ');
    expect(told.err).toBe(`mad: KEY: several keys begin with ${prefix}, such as ${named}; give more digits\n`);
  }
  expect(await cache('unpin', step.cache_key)).toMatchObject({ code: 0 });
  const gone = await cache('invalidate', '0123456789');
  expect(gone).toMatchObject({ code: 1, out: '' });
  expect(gone.err).toMatch(/^mad: cache entry 0123456789 was not found .*; mad cache list shows those .*\n$/);
});

test('a job is explained, and a request planned', async () => {
  const { jobId: first } = await compute({ smiles: 'CCC', seed: 1 });
  expect((await cache('explain', first)).out).toMatch(/^whole job: miss – /m);
  const { jobId: second } = await compute({ smiles: 'CCC', seed: 2 });
  const { out } = await cache('explain', second);
  expect(out).toMatch(/^dock \(dock\): miss – no entry$/m);
  expect(out).toContain(`the nearest entry is that of job ${first} at `);
  expect(out).toContain('parameters.seed 1 → 2');
  expect(await json('explain', second)).toMatchObject({
    job_id: second,
    steps: [{ task_name: 'dock', decision: 'miss', nearest: { canonical_job_id: first, distance: 1 } }],
  });

  const file = join(organization.folder, 'request.json');
  await writeFile(file, JSON.stringify({ pipeline: 'docking', parameters: { smiles: 'CCC', seed: 2 } }));
  const known = await cache('plan', '--request', file);
  expect(known.out).toMatch(/^whole job: hit – served: the result of job .*$/m);
  expect(known.out).toMatch(/^computes nothing, 0 jobs of a quota$/m);
  expect(known.out).toMatch(/^planned without the platform's normalizers and minConfidence: .*$/m);
  const demanding = await cache('plan', '--request', file, '--min-confidence', '0.6');
  expect(demanding.out).toMatch(/^whole job: miss – not scored, and a confidence of 0.6 is asked for$/m);
  expect(demanding.out).toMatch(/^planned without the platform's normalizers: .*$/m);
  const SEALED = 'entries are sealed with another secret: set MAD_CACHE_SECRET to that of the platform and plan again';
  expect(known.out).not.toContain(SEALED);
  expect((await cacheWith({ MAD_CACHE_SECRET: 'x'.repeat(32) }, 'plan', '--request', file)).out).toContain(SEALED);
  expect(await json('plan', '--request', file)).toMatchObject({ planned_without: ['normalizers', 'minConfidence'] });
  await writeFile(file, JSON.stringify({ pipeline: 'docking', parameters: { smiles: 'CCC', seed: 3 } }));
  expect((await cache('plan', '--request', file)).out).toMatch(/^dock \(dock\): miss – no entry$/m);
  expect(await json('plan', '--request', file)).toMatchObject({ quota: { jobs: 1 }, steps: [{ outlook: 'miss' }] });
});

test('what is invalidated is computed again; what is disowned tells who used it', async () => {
  const parameters = { smiles: 'CO', seed: 1 };
  const { jobId, step, whole } = await compute(parameters);
  const { jobId: served } = await organization.run(parameters);
  const planned = await cache('invalidate', whole.cache_key, '--dry-run');
  expect(planned).toEqual({ code: 0, out: '1 entry would be invalidated\n', err: '' });
  expect(await json('show', whole.cache_key)).toMatchObject({ state: 'served' });
  const told = await cache('invalidate', whole.cache_key, '--reason', 'wrong box');
  expect(told).toEqual({ code: 0, out: '1 entry invalidated\n', err: '' });
  expect(await json('show', whole.cache_key)).toMatchObject({ state: 'invalidated', reason: 'wrong box' });

  const again = await cache('invalidate', '--task', 'dokc', '--task-version', '1.0.0');
  expect(again).toMatchObject({ code: 0, err: '' });
  const looked = 'task dokc, task version 1.0.0';
  expect(again.out).toBe(`matched 0: no entry in service with ${looked}; mad cache list shows those that are there\n`);
  expect((await cache('disown', '--service', 'vna', '--image', 'sha256:0')).out).toMatch(
    /^matched 0: .* with image sha256:0, service vna; mad cache list shows /,
  );

  const one = await cache('disown', step.cache_key, '--reason', 'wrong force field', '--dry-run');
  expect(one.out).toMatch(/^1 entry would be disowned, used by 2 jobs$/m);
  expect(await json('show', step.cache_key)).toMatchObject({ state: 'served' });
  expect((await cache('disown', step.cache_key, '--reason', 'wrong force field')).out).toMatch(/^1 entry disowned, /m);
  const gone = (await cache('show', step.cache_key)).out;
  expect(gone).toMatch(/^state +disowned$/m);
  expect(gone).toMatch(/ DISOWNED .*{"reason":"wrong force field"}$/m);
  const disowned = await cache('disown', '--task', 'dock', '--from', '2000-01-01T00:00:00Z');
  expect(disowned.code).toBe(0);
  expect(disowned.out).toMatch(new RegExp(`^${jobId}  computed it +${step.cache_key}$`, 'm'));
  expect(disowned.out).toContain(served);
  expect(disowned.out).toMatch(/^\d+ entries disowned, used by \d+ jobs$/m);
  expect((await organization.run(parameters)).cache.hit).toBe(false);
});

test('statistics tell hits, misses and what was saved', async () => {
  const parameters = { smiles: 'CN', seed: 1 };
  await compute(parameters);
  expect((await organization.run(parameters)).cache.hit).toBe(true);
  await organization.flush();
  const { out } = await cache('stats');
  expect(out).toMatch(/^hits +[1-9]\d*$/m);
  expect(out).toMatch(/^ {2}at once +[1-9]\d*$/m);
  expect(out).toMatch(/^ {2}after waiting for another job +0$/m);
  expect(out).toMatch(/^ {2}no entry +[1-9]\d*$/m);
  expect(await json('stats', '--since', '2999-01-01T00:00:00Z')).toMatchObject({ hits: 0 });
});

test('a file that was altered is found, its entries leave service, and the exit code says so', async () => {
  const { step } = await compute({ smiles: 'CS', seed: 7 });
  const clean = await cache('verify');
  expect(clean).toMatchObject({ code: 0, err: '' });
  expect(clean.out).toMatch(/^\d+ entries verified, 0 damaged\n$/);
  const { artifacts } = (await json('show', step.cache_key)) as { artifacts: Record<string, string> };
  const digest = Object.values(artifacts)[0]?.split('/').at(-1) ?? '';
  const names = await readdir(organization.folder, { recursive: true });
  await writeFile(join(organization.folder, names.find((name) => name.endsWith(digest)) ?? ''), 'XX 7\n');
  const found = await cache('verify');
  expect(found.code).toBe(1);
  expect(found.out).toMatch(new RegExp(`^${step.cache_key}  artifact altered$`, 'm'));
  expect(found.err).toMatch(/^mad: 2 entries were damaged and taken out of service; [^\n]*\n$/);
  expect((await json('list', '--state', 'quarantined')).items).toHaveLength(2);
});

test('files that nothing refers to go after their grace; entries of least worth go where bytes are short', async () => {
  await compute({ smiles: 'CF', seed: 1 });
  await organization.artifacts.put(organization.orgId, 'nobody needs me');
  expect((await cache('gc')).out).toMatch(/^0 files of 0 B deleted, \d+ kept\n$/);
  expect((await cache('gc', '--grace', '0s', '--dry-run')).out).toMatch(
    /^1 file of 15 B would be deleted, \d+ kept\n$/,
  );
  expect(await json('gc', '--grace', '0s')).toMatchObject({ dry_run: false, artifacts: 1, bytes: 15 });
  expect((await cache('evict', '--max-bytes', '0', '--dry-run')).out).toMatch(
    /^[1-9]\d* entries of .* would be evicted\n$/,
  );
  expect((await cache('evict', '--max-bytes', '0')).out).toMatch(
    / evicted; their jobs keep results and files, and .*\n$/,
  );
  expect((await json('list', '--state', 'served')).items).toEqual([]);
});

test('a terminal is shown how far it is, in one line that is gone at the end', async () => {
  const said: string[] = [];
  const terminal = { env: {}, out: () => {}, err: (text: string) => said.push(text), errIsTerminal: true };
  expect(await runMad(['cache', 'gc', ...organization.flags], terminal)).toBe(0);
  expect(said).toEqual(['\r\u001b[2Klooking for files that nothing refers to', '\r\u001b[2K']);
});

test('an entry or a job that is not there is one line, exit code 1', async () => {
  const key = '0'.repeat(64);
  for (const args of [
    ['show', key],
    ['pin', key],
    ['expire', key, '--never'],
    ['invalidate', key],
    ['explain', '01890a5d-ac96-774b-bcce-b302099a8057'],
  ]) {
    const run = await cache(...args);
    expect(run).toMatchObject({ code: 1, out: '' });
    expect(run.err).toMatch(/^mad: [^\n]*not found[^\n]*\n$/);
    if (args.includes(key)) expect(run.err).toContain('mad cache list shows those that are there');
  }
});

test('the process reads the environment, and needs no store where no file is read', async () => {
  const [, url = '', , cluster = '', , org = ''] = organization.flags;
  const run = await mad(['cache', 'stats', '--org', org, '--json'], { MAD_DATABASE_URL: url, MAD_CLUSTERS: cluster });
  expect(run).toMatchObject({ code: 0, err: '' });
  expect(Object.keys(JSON.parse(run.out))).toEqual([
    'entries',
    'bytes',
    'hits',
    'hits_after_waiting',
    'misses',
    'saved_ms',
    'flights_joined',
  ]);
  const verify = await mad(['cache', 'verify', '--org', org], { MAD_DATABASE_URL: url, MAD_CLUSTERS: cluster });
  expect(verify).toEqual({
    code: 2,
    out: '',
    err: 'mad: --artifacts: expected the folder of a local store, got none\n',
  });
});
