/** A name made for programs as one made for people: `num_modes` is "Num modes", `flexibleResidues` "Flexible residues"; `pH` stays. */
export function humanize(name: string): string {
  const words = name
    .replaceAll(/([\p{Ll}\d])(\p{Lu}\p{Ll})/gu, '$1 $2')
    .replaceAll(/(\p{Ll})(\p{Lu}{2,})/gu, '$1 $2')
    .split(/[\s_.-]+/u)
    .filter((word) => word !== '')
    .map((word, index) => (index > 0 && /^\p{Lu}\p{Ll}+$/u.test(word) ? word.toLowerCase() : word));
  const [first = '', ...rest] = words;
  const isPlain = /^(?=\p{Ll}+$)\p{Script=Latin}+$/u.test(first);
  return [isPlain ? first.charAt(0).toUpperCase() + first.slice(1) : first, ...rest].join(' ');
}
