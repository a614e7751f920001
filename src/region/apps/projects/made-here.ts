import type { MadeParts } from '../../../drivers/runtime/projects.ts';
import type { AppStore } from '../app-store.ts';

/** The parts of a project that a move has made here, in the app's document: it is on the disk before a part is made. */
export function madeHere(store: AppStore, app: string): MadeParts {
  const has = (part: string) => store.get(app).parts.includes(part);
  const change = (how: (parts: string[]) => string[]): void =>
    void store.change(app, (draft) => {
      draft.parts = how(draft.parts);
    });
  return {
    has,
    add(part) {
      if (!has(part)) change((parts) => [...parts, part]);
    },
    delete(part) {
      if (has(part)) change((parts) => parts.filter((one) => one !== part));
    },
  };
}
