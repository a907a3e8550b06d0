// Many questions to the service, a few at a time.

/** Answers to all, in the order of what they are about. */
export async function gather<Of, Answer>(all: readonly Of[], ask: (one: Of) => Promise<Answer>, atOnce = 6): Promise<Answer[]> {
  const answers = new Array<Answer>(all.length);
  const left = [...all.entries()];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) answers[next[0]] = await ask(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, work));
  return answers;
}
