/** Vina draws this many stars under its scale, one by one. */
const stars = 51;

/** Reads Vina's stdout piece by piece and calls `onProgress` with 0..1 as the stars under its scale grow. */
export function readVinaProgress(onProgress: (fraction: number) => void): (text: string) => void {
  let head = '';
  let counted = -1;
  return (text) => {
    if (counted === stars) return;
    head += text;
    const scale = /\|(?:-{4}\|)+\r?\n/.exec(head);
    if (!scale) return;
    const drawn = /^\**/.exec(head.slice(scale.index + scale[0].length))?.[0].length ?? 0;
    if (drawn === counted) return;
    counted = Math.min(drawn, stars);
    onProgress(counted / stars);
  };
}
