// What would make tabd refuse a whole batch, and with it what others sent: found before it is in one.

// The daemon reads 16 levels of JSON; a payment's own object is the fourth of a batch.
const LEVELS_MAX = 13;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Why tabd cannot read this JSON value as a payment in a batch; undefined if it can. */
export function unreadable(value: unknown, levels = LEVELS_MAX): string | undefined {
  if (typeof value === "string") {
    return LONE_SURROGATE.test(value) ? "The payment has a text that is not Unicode." : undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (levels === 0) return `The payment is nested too deeply; at most ${LEVELS_MAX} levels are.`;
  for (const [key, member] of Object.entries(value)) {
    const problem = unreadable(key) ?? unreadable(member, levels - 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
