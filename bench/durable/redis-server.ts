import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

export interface RedisServer extends AsyncDisposable {
  /** Its unix socket. */
  readonly socket: string;
  readonly pid: number;
}

/** A fresh Redis that answers a write only when the disk has it. It ends with this process, SIGKILL included, and leaves no files. */
export async function startRedisServer(): Promise<RedisServer> {
  const home = await mkdtemp(join(tmpdir(), 'mad-redis-'));
  await chmod(home, 0o700);
  const socket = join(home, 'redis.sock');
  const settings = `--port 0 --unixsocket redis.sock --dir "$0" --appendonly yes --appendfsync always --save '' --pidfile pid`;
  // The shell waits for the end of our pipe, which comes however this process ends, and then takes the server and its files down.
  const keeper = spawn(
    'sh',
    [
      '-c',
      `redis-server ${settings} >log 2>&1 & echo $! >server.pid; cat >/dev/null; kill -KILL $!; wait $!; cd /; rm -rf "$0"`,
      home,
    ],
    { cwd: home, stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  keeper.unref();
  await untilListening(socket);
  return {
    socket,
    pid: Number(await readFile(join(home, 'server.pid'), 'utf8')),
    async [Symbol.asyncDispose]() {
      keeper.stdin?.end();
      if (keeper.exitCode === null) await once(keeper, 'exit');
    },
  };
}

async function untilListening(socket: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const client = connect(socket);
    try {
      await once(client, 'connect');
      return;
    } catch (error) {
      if (attempt === 200) throw error;
      await setTimeout(25);
    } finally {
      client.destroy();
    }
  }
}
