/** Steps that a look at schemas may still take: they come from outside, and some are made to take for ever. */
export interface Budget {
  left: number;
}

/** Takes steps from the budget; false when none are left. */
export function spend(budget: Budget, steps = 1): boolean {
  budget.left -= steps;
  return budget.left >= 0;
}
