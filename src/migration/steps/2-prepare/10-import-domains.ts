import { importPart } from '../../import-part.ts';

export const importDomains = importPart('domains', 'import-domains', 'domains and certificates');
