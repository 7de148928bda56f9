import { findContender } from './contenders/index.ts';
import { runTrial, type Trial } from './trial.ts';

// One trial in a process of its own, so that its CPU time is its own: told by an IPC message, answered by another.
process.once('message', (message: { contender: string; trial: Trial }) => {
  runTrial(findContender(message.contender), message.trial).then(
    (result) => process.send?.({ result }, () => process.exit(0)),
    (error: unknown) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ error: text }, () => process.exit(1));
    },
  );
});
