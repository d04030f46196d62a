//! The syntax tree with Jinja2's meaning: operators, attributes, slices and method calls become calls of the functions in
//! `operators` and `methods`, which do what Python does. Their names are no identifiers, so no template can use them.
//! What cannot be given Jinja2's meaning is refused by name.

use minijinja::machinery::ast::{self, CallArg, CompareOpKind, Expr, Spanned, Stmt, UnaryOpKind};
use minijinja::machinery::Span;

/// Expressions within expressions, and blocks within blocks: far more than the parser lets through, but left-deep chains.
const DEEPEST: usize = 400;

/// Names for the values of a `with`, which are all computed before any is assigned.
const HIDDEN: [&str; 16] =
    ["#0", "#1", "#2", "#3", "#4", "#5", "#6", "#7", "#8", "#9", "#10", "#11", "#12", "#13", "#14", "#15"];

type Result<T> = std::result::Result<T, String>;

struct Lowering<'a> {
    depth: usize,
    /// Macros that use `varargs` or `kwargs`.
    open_macros: Vec<OpenMacro<'a>>,
    /// Loops around the present place within the present macro.
    loops: usize,
}

/// A macro that takes any arguments: its parameters, and which of `varargs` and `kwargs` it reads.
struct OpenMacro<'a> {
    name: &'a str,
    parameters: Vec<&'a str>,
}

/// The tree with Jinja2's meaning, or "line N: what is not supported".
pub fn lower<'a>(template: &Stmt<'a>) -> Result<Stmt<'a>> {
    let mut lowering = Lowering { depth: 0, open_macros: Vec::new(), loops: 0 };
    lowering.statement(template)
}

fn refuse<T>(span: Span, what: &str) -> Result<T> {
    Err(format!("line {}: {what} is not supported", span.start_line))
}

fn filter<'a>(name: &'static str, span: Span, expr: Expr<'a>, args: Vec<Expr<'a>>) -> Expr<'a> {
    let args = args.into_iter().map(CallArg::Pos).collect();
    Expr::Filter(Spanned::new(ast::Filter { name, expr: Some(expr), args }, span))
}

fn constant<'a>(value: impl Into<minijinja::Value>, span: Span) -> Expr<'a> {
    Expr::Const(Spanned::new(ast::Const { value: value.into() }, span))
}

fn variable(id: &str, span: Span) -> Expr<'_> {
    Expr::Var(Spanned::new(ast::Var { id }, span))
}

/// The namespace whose attribute is assigned. minijinja sees which variables the inside of a macro needs by what is read, so
/// the assignment is made to read it.
fn namespace_of<'a>(target: &Expr<'a>) -> Option<Expr<'a>> {
    match target {
        Expr::GetAttr(s) => match &s.expr {
            Expr::Var(namespace) => Some(variable(namespace.id, namespace.span())),
            _ => None,
        },
        _ => None,
    }
}

fn compare_name(op: CompareOpKind) -> &'static str {
    match op {
        CompareOpKind::Eq => "==",
        CompareOpKind::Ne => "!=",
        CompareOpKind::Lt => "<",
        CompareOpKind::Lte => "<=",
        CompareOpKind::Gt => ">",
        CompareOpKind::Gte => ">=",
        CompareOpKind::In => "#in",
        CompareOpKind::NotIn => "#not in",
    }
}

/// The name of an operator's function; none for `and` and `or`.
fn binary_name(op: ast::BinOpKind) -> Option<&'static str> {
    use ast::BinOpKind::*;
    Some(match op {
        Eq => "==",
        Ne => "!=",
        Lt => "<",
        Lte => "<=",
        Gt => ">",
        Gte => ">=",
        In => "#in",
        Add => "+",
        Sub => "-",
        Mul => "*",
        Div => "/",
        FloorDiv => "//",
        Rem => "%",
        Pow => "**",
        Concat => "~",
        ScAnd | ScOr => return None,
    })
}

impl<'a> Lowering<'a> {
    fn deeper<T>(&mut self, span: Span, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("line {}: the template nests too deeply", span.start_line));
        }
        let result = body(self);
        self.depth -= 1;
        result
    }

    fn body(&mut self, body: &[Stmt<'a>]) -> Result<Vec<Stmt<'a>>> {
        body.iter().map(|statement| self.statement(statement)).collect()
    }

    fn loop_body(&mut self, body: &[Stmt<'a>]) -> Result<Vec<Stmt<'a>>> {
        self.loops += 1;
        let lowered = self.body(body);
        self.loops -= 1;
        lowered
    }

    fn statement(&mut self, statement: &Stmt<'a>) -> Result<Stmt<'a>> {
        match statement {
            Stmt::Template(s) => {
                Ok(Stmt::Template(Spanned::new(ast::Template { children: self.body(&s.children)? }, s.span())))
            }
            Stmt::EmitExpr(s) => {
                Ok(Stmt::EmitExpr(Spanned::new(ast::EmitExpr { expr: self.expr(&s.expr)? }, s.span())))
            }
            Stmt::EmitRaw(s) => Ok(Stmt::EmitRaw(Spanned::new(ast::EmitRaw { raw: s.raw }, s.span()))),
            Stmt::ForLoop(s) => self.deeper(s.span(), |this| this.for_loop(s)),
            Stmt::IfCond(s) => self.deeper(s.span(), |this| this.if_block(s)),
            Stmt::WithBlock(s) => self.deeper(s.span(), |this| this.with_block(s)),
            Stmt::Set(s) => self.set(s),
            Stmt::SetBlock(s) => self.deeper(s.span(), |this| this.set_block(s)),
            Stmt::AutoEscape(s) => refuse(s.span(), "autoescape"),
            Stmt::FilterBlock(s) => self.deeper(s.span(), |this| {
                let filter = this.block_filter(&s.filter)?;
                let block = ast::FilterBlock { filter, filter_span: s.filter_span, body: this.body(&s.body)? };
                Ok(Stmt::FilterBlock(Spanned::new(block, s.span())))
            }),
            Stmt::Block(s) => self.deeper(s.span(), |this| {
                let block = ast::Block { name: s.name, required: s.required, body: this.body(&s.body)? };
                Ok(Stmt::Block(Spanned::new(block, s.span())))
            }),
            Stmt::Import(s) => refuse(s.span(), "import"),
            Stmt::FromImport(s) => refuse(s.span(), "from ... import"),
            Stmt::Extends(s) => refuse(s.span(), "extends"),
            Stmt::Include(s) => refuse(s.span(), "include"),
            Stmt::Macro(s) => self.deeper(s.span(), |this| Ok(Stmt::Macro(this.macro_(s, true)?))),
            Stmt::CallBlock(s) => self.deeper(s.span(), |this| this.call_block(s)),
            Stmt::Continue(s) if self.loops == 0 => refuse(s.span(), "continue outside of a loop"),
            Stmt::Continue(s) => Ok(Stmt::Continue(Spanned::new(ast::Continue, s.span()))),
            Stmt::Break(s) if self.loops == 0 => refuse(s.span(), "break outside of a loop"),
            Stmt::Break(s) => Ok(Stmt::Break(Spanned::new(ast::Break, s.span()))),
            Stmt::Do(s) => refuse(s.span(), "do"),
        }
    }

    fn for_loop(&mut self, s: &Spanned<ast::ForLoop<'a>>) -> Result<Stmt<'a>> {
        let iter = self.expr(&s.iter)?;
        let block = ast::ForLoop {
            target: self.target(&s.target)?,
            iter: filter("#iterate", s.iter.span(), iter, Vec::new()),
            filter_expr: s.filter_expr.as_ref().map(|expr| self.truth(expr)).transpose()?,
            recursive: s.recursive,
            body: self.loop_body(&s.body)?,
            else_body: self.body(&s.else_body)?,
        };
        Ok(Stmt::ForLoop(Spanned::new(block, s.span())))
    }

    fn if_block(&mut self, s: &Spanned<ast::IfCond<'a>>) -> Result<Stmt<'a>> {
        let block = ast::IfCond {
            expr: self.truth(&s.expr)?,
            true_body: self.body(&s.true_body)?,
            false_body: self.body(&s.false_body)?,
        };
        Ok(Stmt::IfCond(Spanned::new(block, s.span())))
    }

    /// All values belong to the outer scope, so they are computed in a `with` of their own.
    fn with_block(&mut self, s: &Spanned<ast::WithBlock<'a>>) -> Result<Stmt<'a>> {
        if s.assignments.len() > HIDDEN.len() {
            return refuse(s.span(), "a with block of more than 16 values");
        }
        let mut outer = Vec::new();
        let mut inner = Vec::new();
        for ((target, value), hidden) in s.assignments.iter().zip(HIDDEN) {
            outer.push((variable(hidden, s.span()), self.expr(value)?));
            inner.push((self.target(target)?, variable(hidden, s.span())));
        }
        let body = self.body(&s.body)?;
        let block = Stmt::WithBlock(Spanned::new(ast::WithBlock { assignments: inner, body }, s.span()));
        Ok(Stmt::WithBlock(Spanned::new(ast::WithBlock { assignments: outer, body: vec![block] }, s.span())))
    }

    fn set(&mut self, s: &Spanned<ast::Set<'a>>) -> Result<Stmt<'a>> {
        let expr = self.expr(&s.expr)?;
        let expr = match namespace_of(&s.target) {
            Some(namespace) => filter("#assigned", s.span(), expr, vec![namespace]),
            None => expr,
        };
        let set = ast::Set { target: self.target(&s.target)?, expr };
        Ok(Stmt::Set(Spanned::new(set, s.span())))
    }

    fn set_block(&mut self, s: &Spanned<ast::SetBlock<'a>>) -> Result<Stmt<'a>> {
        let mut filter = s.filter.as_ref().map(|filter| self.block_filter(filter)).transpose()?;
        if let Some(namespace) = namespace_of(&s.target) {
            let assigned = ast::Filter { name: "#assigned", expr: filter, args: vec![CallArg::Pos(namespace)] };
            filter = Some(Expr::Filter(Spanned::new(assigned, s.span())));
        }
        let block = ast::SetBlock { target: self.target(&s.target)?, filter, body: self.body(&s.body)? };
        Ok(Stmt::SetBlock(Spanned::new(block, s.span())))
    }

    /// What is assigned to: names, tuples of names, or an attribute of a named namespace.
    fn target(&mut self, target: &Expr<'a>) -> Result<Expr<'a>> {
        match target {
            Expr::Var(s) => Ok(variable(s.id, s.span())),
            Expr::GetAttr(s) => match &s.expr {
                Expr::Var(namespace) => {
                    let expr = variable(namespace.id, namespace.span());
                    Ok(Expr::GetAttr(Spanned::new(ast::GetAttr { expr, name: s.name }, s.span())))
                }
                _ => refuse(s.span(), "an assignment to an attribute of an attribute"),
            },
            Expr::List(s) => {
                let items = s.items.iter().map(|item| self.target(item)).collect::<Result<_>>()?;
                Ok(Expr::List(Spanned::new(ast::List { items }, s.span())))
            }
            Expr::Tuple(s) => {
                let items = s.items.iter().map(|item| self.target(item)).collect::<Result<_>>()?;
                Ok(Expr::Tuple(Spanned::new(ast::Tuple { items }, s.span())))
            }
            other => refuse(other.span(), "this assignment"),
        }
    }

    /// The filters of a filter block or of a set block: the innermost has no expression.
    fn block_filter(&mut self, expr: &Expr<'a>) -> Result<Expr<'a>> {
        let Expr::Filter(s) = expr else { return refuse(expr.span(), "this filter") };
        let inner = s.expr.as_ref().map(|inner| self.block_filter(inner)).transpose()?;
        Ok(Expr::Filter(Spanned::new(ast::Filter { name: s.name, expr: inner, args: self.args(&s.args)? }, s.span())))
    }

    fn macro_(&mut self, s: &Spanned<ast::Macro<'a>>, named: bool) -> Result<Spanned<ast::Macro<'a>>> {
        let mut parameters = Vec::new();
        for arg in &s.args {
            match arg {
                Expr::Var(name) => parameters.push(name.id),
                _ => return refuse(s.span(), "this parameter"),
            }
        }
        for default in &s.defaults {
            if let Some(name) = parameters.iter().find(|name| mentions(default, name)) {
                return refuse(default.span(), &format!("a default value that uses the parameter '{name}'"));
            }
        }
        let open = s.body.iter().any(|statement| in_statement(statement, &mut |id| id == "varargs" || id == "kwargs"));
        if open && !named {
            return refuse(s.span(), "varargs or kwargs in a call block");
        }
        let mut args: Vec<Expr> = parameters.iter().map(|id| variable(id, s.span())).collect();
        let mut defaults = s.defaults.iter().map(|expr| self.expr(expr)).collect::<Result<Vec<_>>>()?;
        if open {
            if s.defaults.is_empty() {
                args.extend(["varargs", "kwargs"].map(|id| variable(id, s.span())));
            } else {
                // Defaults belong to the last parameters, so these two get one that is never used.
                args.extend(["varargs", "kwargs"].map(|id| variable(id, s.span())));
                defaults.extend([constant((), s.span()), constant((), s.span())]);
            }
            self.open_macros.push(OpenMacro { name: s.name, parameters });
        }
        let loops = std::mem::take(&mut self.loops);
        let body = self.body(&s.body);
        self.loops = loops;
        Ok(Spanned::new(ast::Macro { name: s.name, args, defaults, body: body? }, s.span()))
    }

    fn call_block(&mut self, s: &Spanned<ast::CallBlock<'a>>) -> Result<Stmt<'a>> {
        if !matches!(s.call.expr, Expr::Var(_)) {
            return refuse(s.span(), "a call block of anything but a macro");
        }
        let Expr::Call(call) = self.call(&s.call)? else { return refuse(s.span(), "this call block") };
        let macro_decl = self.macro_(&s.macro_decl, false)?;
        let block = ast::CallBlock { call, call_expr_span: s.call_expr_span, macro_decl };
        Ok(Stmt::CallBlock(Spanned::new(block, s.span())))
    }

    fn truth(&mut self, expr: &Expr<'a>) -> Result<Expr<'a>> {
        Ok(filter("#bool", expr.span(), self.expr(expr)?, Vec::new()))
    }

    fn exprs(&mut self, items: &[Expr<'a>]) -> Result<Vec<Expr<'a>>> {
        items.iter().map(|item| self.expr(item)).collect()
    }

    fn expr(&mut self, expr: &Expr<'a>) -> Result<Expr<'a>> {
        self.deeper(expr.span(), |this| this.expr_within(expr))
    }

    fn expr_within(&mut self, expr: &Expr<'a>) -> Result<Expr<'a>> {
        Ok(match expr {
            Expr::Var(s) if s.id == "self" => return refuse(s.span(), "self"),
            Expr::Var(s) => variable(s.id, s.span()),
            Expr::Const(s) => constant(s.value.clone(), s.span()),
            Expr::Slice(s) => {
                let mut bound = |bound: &Option<Expr<'a>>| match bound {
                    Some(expr) => self.expr(expr),
                    None => Ok(constant((), s.span())),
                };
                let args = vec![bound(&s.start)?, bound(&s.stop)?, bound(&s.step)?];
                filter("#slice", s.span(), self.expr(&s.expr)?, args)
            }
            Expr::UnaryOp(s) => match s.op {
                UnaryOpKind::Neg => filter("#neg", s.span(), self.expr(&s.expr)?, Vec::new()),
                UnaryOpKind::Not => {
                    let expr = self.truth(&s.expr)?;
                    Expr::UnaryOp(Spanned::new(ast::UnaryOp { op: UnaryOpKind::Not, expr }, s.span()))
                }
            },
            Expr::BinOp(s) => self.binary(s)?,
            Expr::Compare(s) => self.comparison(s)?,
            Expr::IfExpr(s) => {
                let expr = ast::IfExpr {
                    test_expr: self.truth(&s.test_expr)?,
                    true_expr: self.expr(&s.true_expr)?,
                    false_expr: s.false_expr.as_ref().map(|expr| self.expr(expr)).transpose()?,
                };
                Expr::IfExpr(Spanned::new(expr, s.span()))
            }
            Expr::Filter(s) => {
                let inner = s.expr.as_ref().map(|inner| self.expr(inner)).transpose()?;
                Expr::Filter(Spanned::new(
                    ast::Filter { name: s.name, expr: inner, args: self.args(&s.args)? },
                    s.span(),
                ))
            }
            Expr::Test(s) => {
                let test = ast::Test { name: s.name, expr: self.expr(&s.expr)?, args: self.args(&s.args)? };
                Expr::Test(Spanned::new(test, s.span()))
            }
            Expr::GetAttr(s) => filter("#attribute", s.span(), self.expr(&s.expr)?, vec![constant(s.name, s.span())]),
            Expr::GetItem(s) => {
                let key = self.expr(&s.subscript_expr)?;
                filter("#item", s.span(), self.expr(&s.expr)?, vec![key])
            }
            Expr::Call(s) => self.call(s)?,
            Expr::List(s) => Expr::List(Spanned::new(ast::List { items: self.exprs(&s.items)? }, s.span())),
            Expr::Tuple(s) => Expr::Tuple(Spanned::new(ast::Tuple { items: self.exprs(&s.items)? }, s.span())),
            Expr::Map(s) => {
                let keys = self.exprs(&s.keys)?;
                let keys = keys.into_iter().map(|key| filter("#key", s.span(), key, Vec::new())).collect();
                Expr::Map(Spanned::new(ast::Map { keys, values: self.exprs(&s.values)? }, s.span()))
            }
        })
    }

    fn binary(&mut self, s: &Spanned<ast::BinOp<'a>>) -> Result<Expr<'a>> {
        let left = self.expr(&s.left)?;
        let right = self.expr(&s.right)?;
        Ok(match binary_name(s.op) {
            Some(name) => filter(name, s.span(), left, vec![right]),
            None => Expr::BinOp(Spanned::new(ast::BinOp { op: s.op, left, right }, s.span())),
        })
    }

    /// `a < b < c`: each value is computed once, and all are.
    fn comparison(&mut self, s: &Spanned<ast::Compare<'a>>) -> Result<Expr<'a>> {
        let first = self.expr(&s.expr)?;
        let mut args = Vec::new();
        for op in &s.ops {
            args.push(constant(compare_name(op.op), s.span()));
            args.push(self.expr(&op.expr)?);
        }
        if let [op] = s.ops.as_slice() {
            return Ok(filter(compare_name(op.op), s.span(), first, args.split_off(1)));
        }
        Ok(filter("#chain", s.span(), first, args))
    }

    fn args(&mut self, args: &[CallArg<'a>]) -> Result<Vec<CallArg<'a>>> {
        let arg = |arg: &CallArg<'a>| {
            Ok(match arg {
                CallArg::Pos(expr) => CallArg::Pos(self.expr(expr)?),
                CallArg::Kwarg(name, expr) => CallArg::Kwarg(name, self.expr(expr)?),
                CallArg::PosSplat(expr) => CallArg::PosSplat(self.expr(expr)?),
                CallArg::KwargSplat(expr) => CallArg::KwargSplat(self.expr(expr)?),
            })
        };
        args.iter().map(arg).collect()
    }

    fn call(&mut self, s: &Spanned<ast::Call<'a>>) -> Result<Expr<'a>> {
        let mut args = self.args(&s.args)?;
        let expr = match &s.expr {
            Expr::GetAttr(method) => {
                let object = self.expr(&method.expr)?;
                args.insert(0, CallArg::Pos(constant(method.name, s.span())));
                let call = ast::Filter { name: "#method", expr: Some(object), args };
                return Ok(Expr::Filter(Spanned::new(call, s.span())));
            }
            Expr::Var(name) => {
                if let Some(open) = self.open_macros.iter().find(|open| open.name == name.id) {
                    args.insert(
                        0,
                        CallArg::Pos(constant(open.parameters.iter().copied().collect::<minijinja::Value>(), s.span())),
                    );
                    let spec = constant((), s.span());
                    let bound = ast::Filter { name: "#arguments", expr: Some(spec), args };
                    args = vec![CallArg::PosSplat(Expr::Filter(Spanned::new(bound, s.span())))];
                }
                variable(name.id, name.span())
            }
            other => self.expr(other)?,
        };
        Ok(Expr::Call(Spanned::new(ast::Call { expr, args }, s.span())))
    }
}

fn mentions(expr: &Expr, name: &str) -> bool {
    in_expr(expr, &mut |id| id == name)
}

fn in_args(args: &[CallArg], found: &mut dyn FnMut(&str) -> bool) -> bool {
    args.iter().any(|arg| match arg {
        CallArg::Pos(e) | CallArg::Kwarg(_, e) | CallArg::PosSplat(e) | CallArg::KwargSplat(e) => in_expr(e, found),
    })
}

/// Whether a variable within the expression is one that `found` looks for.
fn in_expr(expr: &Expr, found: &mut dyn FnMut(&str) -> bool) -> bool {
    match expr {
        Expr::Var(s) => found(s.id),
        Expr::Const(_) => false,
        Expr::Slice(s) => {
            let bounds = [&s.start, &s.stop, &s.step];
            in_expr(&s.expr, found) || bounds.into_iter().flatten().any(|bound| in_expr(bound, found))
        }
        Expr::UnaryOp(s) => in_expr(&s.expr, found),
        Expr::BinOp(s) => in_expr(&s.left, found) || in_expr(&s.right, found),
        Expr::Compare(s) => in_expr(&s.expr, found) || s.ops.iter().any(|op| in_expr(&op.expr, found)),
        Expr::IfExpr(s) => {
            in_expr(&s.test_expr, found)
                || in_expr(&s.true_expr, found)
                || s.false_expr.as_ref().is_some_and(|expr| in_expr(expr, found))
        }
        Expr::Filter(s) => s.expr.as_ref().is_some_and(|expr| in_expr(expr, found)) || in_args(&s.args, found),
        Expr::Test(s) => in_expr(&s.expr, found) || in_args(&s.args, found),
        Expr::GetAttr(s) => in_expr(&s.expr, found),
        Expr::GetItem(s) => in_expr(&s.expr, found) || in_expr(&s.subscript_expr, found),
        Expr::Call(s) => in_expr(&s.expr, found) || in_args(&s.args, found),
        Expr::List(s) => s.items.iter().any(|item| in_expr(item, found)),
        Expr::Tuple(s) => s.items.iter().any(|item| in_expr(item, found)),
        Expr::Map(s) => s.keys.iter().chain(&s.values).any(|item| in_expr(item, found)),
    }
}

/// The same for a statement and all within it.
fn in_statement(statement: &Stmt, found: &mut dyn FnMut(&str) -> bool) -> bool {
    fn body(body: &[Stmt], found: &mut dyn FnMut(&str) -> bool) -> bool {
        body.iter().any(|statement| in_statement(statement, found))
    }
    match statement {
        Stmt::Template(s) => body(&s.children, found),
        Stmt::EmitExpr(s) => in_expr(&s.expr, found),
        Stmt::ForLoop(s) => {
            in_expr(&s.iter, found)
                || s.filter_expr.as_ref().is_some_and(|expr| in_expr(expr, found))
                || body(&s.body, found)
                || body(&s.else_body, found)
        }
        Stmt::IfCond(s) => in_expr(&s.expr, found) || body(&s.true_body, found) || body(&s.false_body, found),
        Stmt::WithBlock(s) => s.assignments.iter().any(|(_, value)| in_expr(value, found)) || body(&s.body, found),
        Stmt::Set(s) => in_expr(&s.expr, found),
        Stmt::SetBlock(s) => s.filter.as_ref().is_some_and(|expr| in_expr(expr, found)) || body(&s.body, found),
        Stmt::FilterBlock(s) => in_expr(&s.filter, found) || body(&s.body, found),
        Stmt::CallBlock(s) => {
            in_expr(&s.call.expr, found) || in_args(&s.call.args, found) || body(&s.macro_decl.body, found)
        }
        Stmt::Macro(s) => body(&s.body, found),
        _ => false,
    }
}
