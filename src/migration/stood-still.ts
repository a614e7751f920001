import type { StepContext } from './step.ts';

/** Said before the app is stopped, so that a server which is killed meanwhile counts from there. Asked again, it goes on counting. */
export async function standsStill({ report }: StepContext): Promise<void> {
  const since = new Date().toISOString();
  await report((draft) => {
    if (draft.stoodStill?.ms !== null) draft.stoodStill = { since, ms: null };
  });
}

/** The app serves, here or there: the count ends. Nothing to do where it was never stopped. */
export async function worksAgain({ report }: StepContext): Promise<void> {
  const now = Date.now();
  await report((draft) => {
    const { stoodStill } = draft;
    if (stoodStill?.ms === null) stoodStill.ms = now - Date.parse(stoodStill.since);
  });
}
