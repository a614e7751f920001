import { importPart } from '../../import-part.ts';

export const importFormation = importPart('processes', 'import-formation', 'the formation');
