/** Stands in for monaco-editor, which only @grafana/ui's CodeEditor loads. */
export {};
