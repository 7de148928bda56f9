import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Check } from '../check.ts';

interface HostileOutcome {
  readonly name: string;
  readonly code: string;
  readonly got: string;
  readonly ms: number;
  readonly files: number;
  readonly sockets: number;
}

/** Documents that could do harm, read in a process that counts what it opens: each is refused with its code, and nothing is opened. */
export const hostileCheck: Check = {
  name: 'hostile',
  async run(size, print) {
    const folder = await mkdtemp(join(tmpdir(), 'mad-hostile-'));
    let asked = 0;
    const server = createServer((_request, response) => {
      asked++;
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const file = join(folder, 'schema.json');
      await writeFile(file, '{}');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const outcomes: HostileOutcome[] = [];
      const reader = fork(join(import.meta.dirname, 'hostile/read-process.ts'), [file, url, size], {
        stdio: 'inherit',
      });
      reader.on('message', (outcome) => outcomes.push(outcome as HostileOutcome));
      const [code] = (await once(reader, 'exit')) as [number | null];
      const wrong = outcomes.filter((outcome) => outcome.got !== outcome.code);
      for (const { name, code: expected, got } of wrong) print(`${name}: expected ${expected}, got ${got}`);
      const sum = (of: (outcome: HostileOutcome) => number) => outcomes.reduce((total, each) => total + of(each), 0);
      const [files, sockets] = [sum((one) => one.files), sum((one) => one.sockets) + asked];
      const slowest = Math.round(Math.max(0, ...outcomes.map(({ ms }) => ms)));
      return {
        passed: code === 0 && outcomes.length > 0 && wrong.length === 0 && files === 0 && sockets === 0,
        line: `hostile ${outcomes.length - wrong.length}/${outcomes.length} refused with their code, ${files} files and ${sockets} sockets opened, the slowest in ${slowest} ms`,
        figures: { outcomes },
      };
    } finally {
      server.close();
      await rm(folder, { recursive: true });
    }
  },
};
