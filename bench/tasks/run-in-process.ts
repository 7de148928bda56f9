import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Longer than anything here takes that ends at all. */
const LONGEST_MS = 120_000;

/** Sends `question` to a file of this folder, in a process of its own, and gives what it answers. @throws what it says when it fails. */
export async function runInProcess<Result>(file: string, question: object): Promise<Result> {
  const child = fork(join(import.meta.dirname, file), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--no-deprecation'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
  try {
    child.send(question);
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    if (typeof message === 'object' && message !== null && 'result' in message) return message.result as Result;
    const said = typeof message === 'object' && message !== null && 'error' in message ? message.error : message;
    throw new Error(`${file} ${JSON.stringify(question)}: ${String(said)}`);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

/** Answers the one question of the process that started this one. */
export function answerOnce<Question>(answer: (question: Question) => Promise<object>): void {
  process.once('message', (question) => {
    answer(question as Question).then(
      (result) => process.send?.({ result }, () => process.exit(0)),
      (error: unknown) =>
        process.send?.({ error: error instanceof Error ? error.stack : String(error) }, () => process.exit(1)),
    );
  });
}
