import { importPart } from '../../import-part.ts';

export const importCollaborators = importPart('collaborators', 'import-collaborators', 'the accepted collaborators');
