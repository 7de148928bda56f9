/**
 * Answers many callers with one load: what is asked for while a load is under way goes into the next, and what is asked for in one turn of the event
 * loop goes together. A caller whose key the load does not return gets undefined.
 */
export function gather<Value>(
  load: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
): (key: string) => Promise<Value | undefined> {
  let waiting = new Map<string, PromiseWithResolvers<Value | undefined>>();
  let busy = false;

  async function run(): Promise<void> {
    while (waiting.size > 0) {
      const batch = waiting;
      waiting = new Map();
      try {
        const values = await load([...batch.keys()]);
        for (const [key, { resolve }] of batch) resolve(values.get(key));
      } catch (error) {
        for (const { reject } of batch.values()) reject(error);
      }
    }
    busy = false;
  }

  return (key) => {
    const asked = waiting.get(key) ?? Promise.withResolvers<Value | undefined>();
    waiting.set(key, asked);
    if (!busy) {
      busy = true;
      setImmediate(() => void run());
    }
    return asked.promise;
  };
}
