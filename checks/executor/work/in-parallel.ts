/** Runs `run` for every item, at most `limit` at a time, and returns what they gave in the order of the items. */
export async function inParallel<Item, Result>(
  limit: number,
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await run(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}
