import { newId } from '../../src/ids.ts';
import { createPostgresSignals } from '../../src/signals/create-postgres-signals.ts';

// Publishes one signal when it listens, and then has nothing else to do: node publishing-process.ts <database url>
const busy = setInterval(() => {}, 1_000);
const signals = createPostgresSignals({ metadata: { connectionString: process.argv[2] } });
signals.subscribe('job.changed', () => {
  if (!busy.hasRef()) return;
  clearInterval(busy.unref());
  signals.publish('job.changed', [{ orgId: newId(), jobId: newId() }]);
});
