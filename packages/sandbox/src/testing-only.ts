/** Said by every page, discovery document and response header of the sandbox. */
export const TESTING_ONLY = 'TESTING ONLY / KUN FOR TEST'
