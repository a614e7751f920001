import { importPart } from '../../import-part.ts';

export const importSettings = importPart('settings', 'import-settings', 'the settings');
