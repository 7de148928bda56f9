import { randomBytes } from 'node:crypto';
import type { Client, ClientConfig } from 'pg';
import { type Logger, silentLogger } from '../logger.ts';
import type { Signals, SignalTopic } from '../ports/signals.ts';
import { createLocalSignals } from './create-local-signals.ts';
import { EVERYTHING } from './every.ts';
import { ListeningConnection } from './listening-connection.ts';
import { SignalOutbox, type WaitingSignals } from './signal-outbox.ts';
import { findSignalMessage, formatSignalPayloads } from './signal-payload.ts';

export interface PostgresSignalsOptions {
  /**
   * The Metadata DB: `pg`'s configuration of one more connection, or a function that resolves with a connected client which nobody else uses.
   * The connection has to be a session of its own, so not one behind a pooler that lends sessions per transaction.
   */
  readonly metadata: ClientConfig | (() => Promise<Client>);
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
}

const CHANNELS: Readonly<Record<SignalTopic, string>> = {
  'job.changed': 'mad.job.changed',
  'job.cancel': 'mad.job.cancel',
};
const TOPICS = new Map(Object.entries(CHANNELS).map(([topic, channel]) => [channel, topic as SignalTopic]));
const NOTIFY = 'select pg_notify(channel, payload) from unnest($1::text[], $2::text[]) as given(channel, payload)';
const NOTIFY_EVERY_MS = 25;

/**
 * Signals between processes by LISTEN and NOTIFY on the Metadata DB, over one connection a process for all organizations. Listeners in this
 * process are called at once. Others are told together: one statement at a time and at most forty a second, apart from every transaction
 * that changes something, because notifying ones commit one after the other; a transaction that only notifies waits for no disk. A process
 * hears only the topics it subscribes to. Without a connection nothing is thrown; when there is one again, listeners hear of `EVERY` job.
 */
export function createPostgresSignals({
  metadata,
  logger = silentLogger,
}: PostgresSignalsOptions): Signals & AsyncDisposable {
  const local = createLocalSignals({ logger });
  const sender = randomBytes(8).toString('hex');
  const outbox = new SignalOutbox();
  const heard = new Set<SignalTopic>();
  let sending: Promise<void> | undefined;
  let disposed = false;

  const connection = new ListeningConnection({
    connect: metadata,
    logger,
    onConnected: () => send(),
    onListening(channel) {
      const topic = TOPICS.get(channel);
      if (topic) local.publish(topic, [EVERYTHING]);
    },
    onNotification(channel, payload) {
      const topic = TOPICS.get(channel);
      const message = topic && findSignalMessage(payload);
      if (!message || message.sender === sender) return;
      const { orgId, jobIds } = message;
      local.publish(
        topic,
        jobIds.map((jobId) => ({ orgId, jobId, isForeign: true })),
      );
    },
  });

  function send(): void {
    if (sending || outbox.isEmpty || !connection.isConnected) return;
    sending = sendWaiting().finally(() => {
      sending = undefined;
      send();
    });
  }

  async function sendWaiting(): Promise<void> {
    // What is published in the same turn of the event loop goes with it; after it there is a pause, in which the next gathers.
    await Promise.resolve();
    const taken = outbox.take();
    const given = taken.flatMap(toNotifications);
    const sent = await connection.query(NOTIFY, [
      given.map(([channel]) => channel),
      given.map(([, payload]) => payload),
    ]);
    if (!sent) outbox.putBack(taken);
    else if (!disposed) await new Promise((resolve) => setTimeout(resolve, NOTIFY_EVERY_MS));
  }

  const toNotifications = ({ topic, orgId, jobIds }: WaitingSignals) =>
    formatSignalPayloads({ sender, orgId, jobIds: [...jobIds] }).map((payload) => [CHANNELS[topic], payload] as const);

  return {
    publish(topic, jobs) {
      local.publish(topic, jobs);
      if (disposed) return;
      outbox.add(topic, jobs);
      send();
    },
    subscribe(topic, listener) {
      // Heard until the end: whoever follows one job soon follows another.
      if (!heard.has(topic) && !disposed) connection.listen(CHANNELS[topic]);
      heard.add(topic);
      return local.subscribe(topic, listener);
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      while (sending) await sending;
      await connection[Symbol.asyncDispose]();
    },
  };
}
