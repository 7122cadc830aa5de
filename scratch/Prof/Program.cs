using Tensor = TorchSharp.torch.Tensor; using System.Diagnostics; using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives; using System.Runtime.CompilerServices; using System.Runtime.InteropServices; using System.Runtime.Intrinsics; using TorchSharp; using static TorchSharp.torch; using F = TorchSharp.torch.nn.functional;
torch.set_num_threads(2);
int T=2048, D=768, H=12, FF=3072;
Tensor h, yy, x, g, w, qkv; 
using (no_grad()) { h=randn(T,FF); yy=empty(T,FF); x=randn(T,D); g=randn(D); qkv=randn(T,3*D); w=randn(D,FF);}
var hg=h.clone().requires_grad_(true); var gelu=F.gelu(hg, TorchSharp.Modules.GELU.Approximate.tanh); var seed=randn(T,FF);
var qg=qkv.clone().requires_grad_(true);
Tensor Attn(Tensor q){ var p=q.view(T,3,H,64).unbind(1); var r=F.scaled_dot_product_attention(p[0].view(16,128,H,64).transpose(1,2),p[1].view(16,128,H,64).transpose(1,2),p[2].view(16,128,H,64).transpose(1,2),is_casual:true); return r.transpose(1,2).reshape(T,D);}
var at=Attn(qg); var seedD=randn(T,D);
var xg=x.clone().requires_grad_(true); var ln=F.layer_norm(xg,[D],g,g,1e-5);

Tensor c; using(no_grad()) c=qkv.view(16,128,3,H,64).permute(2,0,3,1,4).contiguous();
Tensor q0=c[0],k0=c[1],v0=c[2];
var cg=c.clone().requires_grad_(true); var ac=F.scaled_dot_product_attention(cg[0],cg[1],cg[2],is_casual:true); var seedC=randn(16,H,128,64);
var b1=qkv.view(T,3,H,64).unbind(1);
Tensor St(Tensor t)=>t.view(16,128,H,64).transpose(1,2);
var big=randn(2,H,1024,64);
var rows=new List<(string,Action)>{
 ("attn strided causal", ()=>{using var _=no_grad(); using var r=F.scaled_dot_product_attention(St(b1[0]),St(b1[1]),St(b1[2]),is_casual:true);}),
 ("attn contiguous causal", ()=>{using var _=no_grad(); using var r=F.scaled_dot_product_attention(q0,k0,v0,is_casual:true);}),
 ("attn contiguous full", ()=>{using var _=no_grad(); using var r=F.scaled_dot_product_attention(q0,k0,v0,is_casual:false);}),
 ("attn 2x1024 causal", ()=>{using var _=no_grad(); using var r=F.scaled_dot_product_attention(big,big,big,is_casual:true);}),
 ("copy to contiguous", ()=>{using var _=no_grad(); using var r=qkv.view(16,128,3,H,64).permute(2,0,3,1,4).contiguous();}),
 ("qk bmm", ()=>{using var _=no_grad(); using var r=q0.view(192,128,64).bmm(k0.view(192,128,64).transpose(1,2));}),
 ("sv bmm", ()=>{using var _=no_grad(); using var r=randn(1); using var z=yy.view(-1).narrow(0,0,192*128*128).view(192,128,128).bmm(v0.view(192,128,64));}),
 ("softmax", ()=>{using var _=no_grad(); using var r=yy.view(-1).narrow(0,0,192*128*128).view(192,128,128).softmax(-1);}),
 ("attn bwd contiguous", ()=>{ using var s=NewDisposeScope(); autograd.grad([ac],[cg],[seedC],retain_graph:true);}),
 ("attn bwd fused", ()=>{ using var s=NewDisposeScope(); autograd.grad([at],[qg],[seedD],retain_graph:true);}),
 ("lora A x", ()=>{using var _=no_grad(); using var a=w.narrow(1,0,8); using var r=x.mm(a);}),
 ("lora addmm y", ()=>{using var _=no_grad(); using var r=x.narrow(1,0,8).contiguous(); using var bb=qkv.narrow(0,0,8); qkv.addmm_(r,bb,1,0.5f);}),
};
for(int rep=0;rep<2;rep++) foreach(var (n,a) in rows){ a(); var ts=new List<double>(); var tot=Stopwatch.StartNew(); while(tot.Elapsed.TotalSeconds<0.4||ts.Count<4){var s=Stopwatch.StartNew(); a(); ts.Add(s.Elapsed.TotalMilliseconds);} ts.Sort(); if(rep==1) Console.WriteLine($"{n,-28} min {ts[0]:0.00} med {ts[ts.Count/2]:0.00} n {ts.Count}"); }
static unsafe class Vec {
 public static void Gelu(Span<float> v){ fixed(float* p=v) Run(p,v.Length);} 
 public static void Run(float* p,long n){ var c0=Vector256.Create(-1.5957691f); var c1=Vector256.Create(-0.07135481f); var one=Vector256.Create(1f); for(long i=0;i<n;i+=8){ var x=Vector256.Load(p+i); var y=x*(c0+c1*(x*x)); (x/(one+Vector256.Exp(y))).Store(p+i);} }
 public static void Gelu2(TorchSharp.torch.Tensor t){ var sp=t.bytes; fixed(byte* b=sp){ var p=(nint)b; long n=t.numel()/2; Parallel.For(0,2,k=>Run((float*)p+k*n,n)); } }
}
