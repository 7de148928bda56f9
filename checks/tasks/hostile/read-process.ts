import dns from 'node:dns';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { isMadError } from '@mad/core';
import { openServiceClient } from '@mad/tasks';
import { listHostileDocuments } from './hostile-documents.ts';

// Started with the places that nobody may open; says what became of each document, and what was opened meanwhile.
const [file = '', url = '', size = ''] = process.argv.slice(2);

const count = { files: 0, sockets: 0 };

/** Every function of the module that may open something counts, and does what it did. */
function watch(module: object, kind: keyof typeof count, names: RegExp): void {
  for (const [name, value] of Object.entries(module)) {
    if (typeof value !== 'function' || !names.test(name)) continue;
    const counting = function (this: unknown, ...values: unknown[]): unknown {
      count[kind]++;
      return Reflect.apply(value, this, values);
    };
    Object.defineProperty(module, name, { value: counting, configurable: true, writable: true });
  }
}

async function read(document: string | object): Promise<string> {
  try {
    await using client = await openServiceClient({ document, serviceUrl: 'http://127.0.0.1:9' });
    for (const { id } of client.operations) client.interfaceOf(id).checkRequest({});
    return 'accepted';
  } catch (error) {
    return isMadError(error) ? error.code : `untyped ${String(error)}`;
  }
}

const good = { openapi: '3.1.0', info: { title: 'x', version: '1.0.0' }, paths: {} };
// What is loaded on first use is loaded before.
await read(good);
watch(fs, 'files', /^(?:open|readFile|createReadStream|read|stat|lstat|realpath|access|exists|readdir|opendir)/);
watch(fs.promises, 'files', /^(?:open|readFile|stat|lstat|realpath|access|readdir|opendir)/);
watch(net.Socket.prototype, 'sockets', /^connect$/);
watch(dns, 'sockets', /^(?:lookup|resolve)/);
watch(dns.promises, 'sockets', /^(?:lookup|resolve)/);
syncBuiltinESMExports();

for (const { name, document, code, isSlow = false } of listHostileDocuments({ file, url })) {
  if (isSlow && size !== 'full') continue;
  const before = { ...count };
  const started = performance.now();
  const got = await read(document);
  const opened = { files: count.files - before.files, sockets: count.sockets - before.sockets };
  process.send?.({ name, code, got, ms: performance.now() - started, ...opened });
}
process.disconnect?.();
