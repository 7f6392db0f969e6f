/** Mozilla's list of common passwords; the package brings no types. */
declare module 'fxa-common-password-list' {
  const list: {
    /** Whether these very characters are one of the 50,000 most common passwords of 8 or more. */
    test(password: string): boolean
  }
  export = list
}
