import { parseArgs } from 'node:util';
import { MadError } from '@mad/core';
import { createVinaService } from './vina-service.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    // The service ends when its stdin does: it cannot outlive the process that started it, even one that was killed.
    'with-parent': { type: 'boolean', default: false },
  },
});

try {
  const service = await createVinaService();
  const { url } = await service.listen({ port: Number(values.port), host: values.host });
  // What runs is canceled at once: whoever waits for it asks another instance, or again.
  const stop = () => void service.close({ graceMs: 0 }).finally(() => process.exit());
  process.once('SIGTERM', stop).once('SIGINT', stop);
  if (values['with-parent']) process.stdin.resume().once('end', stop).once('error', stop);
  console.log(JSON.stringify({ url }));
} catch (error) {
  console.error(error instanceof MadError ? error.message : error);
  process.exitCode = 2;
}
