import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inAllOrganizations, insertOrganization, type MetadataDatabase, migrateMetadata, newId } from '@mad/core';
import { openServiceClient, registerTask, type ServiceClient } from '@mad/tasks';
import { createPostgresDatabase } from '@mad/testkit';
import type { Check } from '../check.ts';
import { isMisread } from './documents/misread.ts';
import { type MockServer, startMockServer } from './documents/mock-server.ts';
import { sampleRequest } from './documents/sample-request.ts';

const FOLDER = join(import.meta.dirname, '../../packages/tasks/test/documents');
/** What `npm test` calls: some operations of some documents. */
const FEW = 5;
const SOME = new Set(['docking-3.0.yaml', 'discriminator.yaml', 'security.yaml', 'statuses.yaml']);

interface DocumentOutcome {
  readonly document: string;
  readonly operations: number;
  readonly called: number;
  readonly faults: readonly string[];
  /** Of the mock server, on operations it is known to misread. */
  readonly misread: readonly string[];
}

/** For each kind of scheme. */
const SECRETS = {
  resolve: async () => ({ apiKey: 'key', token: 'token', username: 'user', password: 'password' }),
};

/** Every document of the tests is registered as a task, and each of its operations called at a server that was made of the document. */
export const documentsCheck: Check = {
  name: 'documents',
  async run(size, print) {
    await using database = await createPostgresDatabase({
      name: 'documents',
      fill: (db) => migrateMetadata(db).then(() => {}),
    });
    const metadata = database.db as unknown as MetadataDatabase;
    const orgId = newId();
    const caller = { orgId, userId: null, permissions: new Set(['task.define']) };
    await inAllOrganizations(metadata, (tx) => insertOrganization(tx, { org_id: orgId, name: 'a', status: 'active' }));
    const names = (await readdir(FOLDER)).filter((name) => /\.(?:json|ya?ml)$/.test(name)).sort();
    const outcomes: DocumentOutcome[] = [];
    for (const name of names) {
      const text = await readFile(join(FOLDER, name), 'utf8');
      await registerTask(metadata, caller, { document: text });
      if (size === 'small' && !SOME.has(name)) {
        outcomes.push({ document: name, operations: 0, called: 0, faults: [], misread: [] });
        continue;
      }
      await using server = await startMockServer(join(FOLDER, name));
      await using client = await openServiceClient({ document: text, serviceUrl: server.url, secrets: SECRETS });
      const most = size === 'full' ? Number.POSITIVE_INFINITY : FEW;
      const outcome = await callAll(client, { name, server, most });
      for (const fault of outcome.faults) print(`${name}: ${fault}`);
      outcomes.push(outcome);
    }
    const sum = (of: (outcome: DocumentOutcome) => number) => outcomes.reduce((total, each) => total + of(each), 0);
    const [called, faults] = [sum((one) => one.called), sum((one) => one.faults.length)];
    const misread = sum((one) => one.misread.length);
    return {
      passed: outcomes.length > 0 && faults === 0,
      line: `documents ${outcomes.length} registered, ${called - faults - misread}/${called} operations answered as declared, ${misread} misread by the mock server in known ways`,
      figures: { outcomes },
    };
  },
};

async function callAll(
  client: ServiceClient,
  { name, server, most }: { readonly name: string; readonly server: MockServer; readonly most: number },
): Promise<DocumentOutcome> {
  const faults: string[] = [];
  const misread: string[] = [];
  const some = client.operations.slice(0, most);
  for (const { id } of some) {
    const fault = await callOne(client, id);
    if (fault === undefined) continue;
    if (isMisread(name, id)) misread.push(fault);
    else faults.push(fault);
    await server.revive();
  }
  return { document: name, operations: client.operations.length, called: some.length, faults, misread };
}

/** What went wrong; undefined where the answer was a success as declared. */
async function callOne(client: ServiceClient, id: string): Promise<string | undefined> {
  try {
    const { status } = await client.call(id, sampleRequest(client.interfaceOf(id)), { timeoutMs: 10_000 });
    return status < 400 ? undefined : `${id} answered ${status}`;
  } catch (error) {
    return `${id}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
