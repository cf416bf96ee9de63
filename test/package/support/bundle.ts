/** What a built plugin takes from Grafana: the modules it names, and every name it reads from each of them. */
import ts from 'typescript';

/** The loader's own account of the module that it loads, asked for its address; no package, and so no names. */
const LOADERS_OWN = 'module';

/** The AMD module that Grafana's loader runs: `define([names…], (values…) => …)`. */
export interface Bundle {
  /** In the bundle's order, "@grafana/ui". */
  dependencies: string[];
  /** By module: "Select", and one level deeper "FieldType.time". */
  names: Map<string, Set<string>>;
}

/**
 * Follows each external through webpack's module table to the variables that hold it, by scope rather than by spelling:
 * a minifier uses one letter for many things.
 *
 * @throws Error where an external is used in a way that hides which names are taken, rather than leaving names out
 */
export function readBundle(code: string): Bundle {
  const { file, checker } = parse(code);
  const { dependencies, factory } = defined(file);
  const symbolOf = (node: ts.Node) => checker.getSymbolAtLocation(node);

  const moduleOfParameter = new Map<ts.Symbol, string>();
  factory.parameters.forEach((parameter, index) => {
    moduleOfParameter.set(symbolOf(parameter.name)!, dependencies[index]);
  });

  // 781(e) { e.exports = t }
  const moduleOfId = new Map<string, string>();
  visit(factory, (node) => {
    if (!ts.isBinaryExpression(node) || !ts.isIdentifier(node.right) || !isExports(node.left)) {
      return;
    }
    const module = moduleOfParameter.get(symbolOf(node.right)!);
    const entry = ts.findAncestor(node, (each) => ts.isMethodDeclaration(each) || ts.isPropertyAssignment(each));
    if (module && module !== LOADERS_OWN && entry) {
      moduleOfId.set((entry as ts.MethodDeclaration | ts.PropertyAssignment).name.getText(), module);
    }
  });

  // var m = c(781), and for a default import: d = c.n(m)
  const holders = new Map<ts.Symbol, { module: string; getter: boolean }>();
  const variables: ts.VariableDeclaration[] = [];
  visit(factory, (node) => {
    if (ts.isVariableDeclaration(node)) {
      variables.push(node);
    }
  });
  for (const { name, initializer } of variables) {
    const id = initializer && ts.isCallExpression(initializer) && initializer.arguments[0];
    if (id && ts.isNumericLiteral(id) && moduleOfId.has(id.text)) {
      holders.set(symbolOf(name)!, { module: moduleOfId.get(id.text)!, getter: false });
    }
  }
  const wrappings = new Set<ts.Node>();
  for (const { name, initializer } of variables) {
    const inner = initializer && ts.isCallExpression(initializer) && initializer.arguments[0];
    const held = inner && ts.isIdentifier(inner) && holders.get(symbolOf(inner)!);
    if (held && ts.isPropertyAccessExpression(initializer.expression) && initializer.expression.name.text === 'n') {
      holders.set(symbolOf(name)!, { module: held.module, getter: true });
      wrappings.add(inner);
    }
  }

  const names = new Map<string, Set<string>>();
  for (const module of dependencies.filter((each) => each !== LOADERS_OWN)) {
    names.set(module, new Set());
  }
  visit(factory, (node) => {
    const held = ts.isIdentifier(node) && holders.get(symbolOf(node)!);
    if (!held || isDeclaredName(node) || wrappings.has(node)) {
      return;
    }
    const namespace = held.getter && ts.isCallExpression(node.parent) ? node.parent : node;
    const taken = memberOf(namespace);
    if (!taken) {
      throw new Error(`${held.module} is used as a whole: ${around(node)}`);
    }
    const deeper = memberOf(taken);
    names.get(held.module)!.add(taken.name.text);
    if (deeper && isConstant(taken.name.text) && !isCallee(deeper)) {
      names.get(held.module)!.add(`${taken.name.text}.${deeper.name.text}`);
    }
  });
  return { dependencies, names };
}

/** A program of this one file, so that names resolve by scope. */
function parse(code: string): { file: ts.SourceFile; checker: ts.TypeChecker } {
  const file = ts.createSourceFile('module.js', code, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  const host: ts.CompilerHost = {
    ...ts.createCompilerHost({}),
    getSourceFile: (name) => (name === file.fileName ? file : undefined),
  };
  const options = { allowJs: true, noLib: true, noResolve: true, types: [], target: ts.ScriptTarget.Latest };
  return { file, checker: ts.createProgram([file.fileName], options, host).getTypeChecker() };
}

function defined(file: ts.SourceFile): { dependencies: string[]; factory: ts.ArrowFunction | ts.FunctionExpression } {
  const calls = file.statements.filter(ts.isExpressionStatement).map(({ expression }) => expression);
  const call = calls.find((each) => ts.isCallExpression(each) && each.expression.getText() === 'define');
  const [list, factory] = (call as ts.CallExpression | undefined)?.arguments ?? [];
  if (!list || !ts.isArrayLiteralExpression(list) || !factory || !ts.isFunctionLike(factory)) {
    throw new Error('not an AMD module: there is no define([…], function)');
  }
  return {
    dependencies: list.elements.map((element) => (element as ts.StringLiteral).text),
    factory: factory as ts.ArrowFunction,
  };
}

function memberOf(node: ts.Node): ts.PropertyAccessExpression | undefined {
  const { parent } = node;
  return ts.isPropertyAccessExpression(parent) && parent.expression === node ? parent : undefined;
}

/** An enumeration or a collection by Grafana's convention, not the instance of a class or a component. */
const isConstant = (name: string) => /^[A-Z]/.test(name);
const isCallee = (node: ts.Node) => ts.isCallExpression(node.parent) && node.parent.expression === node;
const isExports = (node: ts.Node) => ts.isPropertyAccessExpression(node) && node.name.text === 'exports';
const isDeclaredName = (node: ts.Identifier) => ts.isVariableDeclaration(node.parent) && node.parent.name === node;
const around = (node: ts.Node) => node.getSourceFile().text.slice(Math.max(0, node.pos - 40), node.end + 40);

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}
