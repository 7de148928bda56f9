import { conformanceRules } from '@mad/tasks';
import type { Terminal } from '../terminal.ts';

const CLEAR_LINE = '\r\u001b[2K';

/** Shows in one line which rule is being checked, on a terminal only; the line is gone when this is disposed. */
export function showRules({ err, errIsTerminal }: Terminal): Disposable & { readonly next: () => void } {
  let at = 0;
  const show = (): void => {
    const rule = conformanceRules[at++];
    if (errIsTerminal && rule) err(`${CLEAR_LINE}checking ${at} of ${conformanceRules.length}: ${rule.id}`);
  };
  show();
  return {
    next: show,
    [Symbol.dispose]: () => {
      if (errIsTerminal) err(CLEAR_LINE);
    },
  };
}
