import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTaskService, defineOperation, type TaskService } from '@mad/tasks/service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { runMad } from '../../src/index.ts';
import { mad } from '../mad-process.ts';

const count = defineOperation({
  taskKey: 'count-atoms',
  version: '1.0.0',
  title: 'Count atoms',
  description: 'Counts atoms.',
  determinism: 'exact',
  producer: 'count-atoms 1.0.0',
  request: z.object({ molecule: z.string().meta({ contentMediaType: 'chemical/x-pdb' }) }),
  response: z.object({ atoms: z.int() }),
  run: ({ molecule }) => ({ atoms: molecule.split('\n').length }),
});
/** As `count`, but its responses are never the same. */
const draw = defineOperation({
  taskKey: 'draw',
  version: '1.0.0',
  title: 'Draw',
  description: 'Draws a number.',
  determinism: 'exact',
  request: z.object({}),
  response: z.object({ drawn: z.number() }),
  run: () => ({ drawn: Math.random() }),
});

let folder: string;
let service: TaskService;
let url: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mad-check-'));
  service = createTaskService({ operations: [count, draw] });
  ({ url } = await service.listen());
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

test('a service without fault: a line a rule, exit code 0', async () => {
  const request = await file('request.json', '{"molecule": "ATOM 1\\n"}');
  const run = await mad(['service', 'check', `${url}/count-atoms`, '--request', request]);
  expect(run).toMatchObject({ code: 0, err: '' });
  const lines = run.out.split('\n');
  expect(lines[0]).toBe(`${url}/count-atoms: count-atoms 1.0.0, post /execute`);
  expect(lines).toContainEqual(expect.stringMatching(/^passed {3}must {4}valid-request +answered in \d+ ms$/));
  expect(lines).toContainEqual(expect.stringMatching(/^skipped {2}must {4}accepted-work +the task answered at once$/));
  expect(lines).toContain('33 rules: 26 passed, 0 failed, 7 skipped');
});

test('a service with faults: what to do below each, exit code 1', async () => {
  const run = await mad(['service', 'check', `${url}/draw`]);
  expect(run.code).toBe(1);
  expect(run.err).toBe('mad: 1 rule that must hold does not; mend the service and check again\n');
  expect(run.out).toMatch(/^failed {3}must {4}equal-responses +response 2 is another .*\n {9}leave times, .*$/m);
  expect(run.out).toMatch(/, 2 failed \(1 must, 1 should or may\), /);
});

test('--json is the report, whatever the outcome', async () => {
  const run = await mad(['service', 'check', `${url}/draw`, '--json', '--no-execute', '--timeout', '5.5']);
  expect(run).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(run.out)).toMatchObject({
    service_url: `${url}/draw`,
    task: { task_key: 'draw', version: '1.0.0', operation: 'post /execute' },
    passed: true,
    rules: expect.arrayContaining([
      expect.objectContaining({ id: 'producer-declared', level: 'should', outcome: 'failed', seen: 'not declared' }),
      expect.objectContaining({ id: 'valid-request', outcome: 'skipped' }),
    ]),
  });
});

test('a document of a file, and credentials of the environment', async () => {
  const security = { securitySchemes: { key: { type: 'http', scheme: 'basic' } } };
  const components = { ...(count.document.components as object), ...security };
  const document = await file(
    'openapi.json',
    JSON.stringify({ ...count.document, components, security: [{ key: [] }] }),
  );
  const args = ['service', 'check', `${url}/count-atoms`, '--document', document, '--json'];
  const without = await mad(args);
  expect(JSON.parse(without.out).rules).toContainEqual(
    expect.objectContaining({ id: 'valid-request', outcome: 'skipped', reason: expect.stringMatching(/credentials/) }),
  );
  const withThem = await mad(args, { MAD_SERVICE_CREDENTIAL: 'user:S3CRET' });
  expect(JSON.parse(withThem.out).rules).toContainEqual(
    expect.objectContaining({ id: 'valid-request', outcome: 'passed' }),
  );
  expect(withThem.out + withThem.err).not.toContain('S3CRET');
});

test('a terminal is shown the rule that is checked, in one line that is gone at the end, and colors', async () => {
  const printed = { out: '', err: '' };
  const code = await runMad(['service', 'check', `${url}/draw`, '--no-execute'], {
    env: {},
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
    outIsTerminal: true,
    errIsTerminal: true,
  });
  expect(code).toBe(0);
  const shown = printed.err.split('\r\u001b[2K');
  expect(shown.slice(0, 3)).toEqual(['', 'checking 1 of 33: document-found', 'checking 2 of 33: document-valid']);
  expect(shown.at(-1)).toBe('');
  expect(printed.out).toContain('\u001b[32mpassed\u001b[39m   must    document-found');
});

test('nobody at the address is one line, exit code 2', async () => {
  const gone = createTaskService({ operations: [] });
  const { url: dead } = await gone.listen();
  await gone.close();
  const run = await mad(['service', 'check', dead]);
  expect(run).toMatchObject({ code: 2, out: '' });
  expect(run.err).toBe(
    `mad: URL: expected the address of a running service, got ${dead}, where nobody answers (ECONNREFUSED); start it, or correct the address\n`,
  );
});
