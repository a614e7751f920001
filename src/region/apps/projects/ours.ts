import type { AppDocument } from '../app-document.ts';

/** A migration has the project, or it came by one. Else its containers are its owner's to start and to stop. */
export const isOurs = ({ lockedBy, made }: Readonly<Pick<AppDocument, 'lockedBy' | 'made'>>): boolean =>
  made || lockedBy !== null;
