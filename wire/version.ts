/** The version of this contract; the plugin refuses an agent with another one. */
export const WIRE_VERSION = 1;
